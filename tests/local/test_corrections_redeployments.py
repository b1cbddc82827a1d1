"""A function that is changed lets its invocations end, and the next one is as changed."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until
from tests.local.conftest import make_function

# Says that it has begun, and ends when the test lets it.
WAITS = """
import os, pathlib, time
def handler(event, context):
    folder = pathlib.Path(event)
    (folder / "begun").touch()
    while not (folder / "end").exists():
        time.sleep(0.02)
    return os.environ["RELEASE"]
"""


def configure(cloud: Cloud, function: str, release: str) -> None:
    cloud.functions.update_function_configuration(
        FunctionName=function, Timeout=30, Environment={"Variables": {"RELEASE": release}}
    )


def answer_of(cloud: Cloud, function: str, folder: Path) -> object:
    payload = json.dumps(str(folder)).encode()
    return json.loads(
        cloud.functions.invoke(FunctionName=function, Payload=payload)["Payload"].read()
    )


def test_invocation_ends_as_it_began(cloud: Cloud, tmp_path: Path) -> None:
    function = make_function(cloud, "changed", WAITS)
    configure(cloud, function, "first")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(answer_of, cloud, function, tmp_path)
        begun = tmp_path / "begun"
        wait_until("it has begun", lambda: (begun.exists(), begun), timeout_seconds=20)
        configure(cloud, function, "second")
        (tmp_path / "end").touch()
        assert running.result() == "first"
    assert answer_of(cloud, function, tmp_path) == "second"
