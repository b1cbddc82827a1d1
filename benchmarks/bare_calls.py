"""Makes the AWS calls in a file one after the other, as a script without an engine would."""

import pickle
import sys
from pathlib import Path

import boto3

account, endpoint_url, calls = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 ours
session = boto3.Session(account, "local", region_name="us-east-1")
clients = {name: session.client(name, endpoint_url=endpoint_url) for name, _, _ in calls}
for service, method, arguments in calls:
    getattr(clients[service], method)(**arguments)
