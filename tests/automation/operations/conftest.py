"""An account of the embedded AWS, as the operator's commands are given one."""

import secrets

import boto3
import pytest

from automation.aws.clients import Clients
from automation.target import LOCAL_PACE, Account
from tests.automation.conftest import EMULATOR_REGION


@pytest.fixture
def account(endpoint_url: str) -> Account:
    """An account of the test's own."""
    account_id = f"{secrets.randbelow(10**12):012}"
    session = boto3.Session(account_id, "local", region_name=EMULATOR_REGION)
    clients = Clients(session=session, endpoint_url=endpoint_url)
    return Account(
        name="aws", account_id=account_id, region=EMULATOR_REGION, clients=clients, pace=LOCAL_PACE
    )
