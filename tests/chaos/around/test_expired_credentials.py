"""Credentials expire midway: the message says so, and after a new login the command goes on."""

import dataclasses
from collections.abc import Iterator

import pytest

from automation.local.emulator import Emulator
from automation.waiting import wait_until
from tests.chaos.around.broken_run import Clone, Ended
from tests.chaos.around.expiring import Credentials, expiring_credentials
from tests.chaos.around.letters import ALL, QUEUE, Letters, in_backups
from tests.chaos.around.played_aws import PlayedAccount

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

OF_THE_QUEUE = ("--queue", QUEUE, "--target", "aws", "--yes")
RUN = ("--target", "aws", "--yes", "--json", "--messages", "5", "--rate", "unlimited")


@pytest.fixture
def credentials(aws: Emulator) -> Iterator[Credentials]:
    with expiring_credentials(aws.endpoint_url) as credentials:
        yield credentials


@pytest.fixture
def for_a_while(signed_in: Clone, credentials: Credentials) -> Clone:
    """A clone that is signed in until the credentials expire."""
    environment = {**signed_in.environment, "AWS_ENDPOINT_URL": credentials.url}
    return dataclasses.replace(signed_in, environment=environment)


def assert_expired(ended: Ended, credentials: Credentials) -> None:
    assert credentials.refused
    assert (ended.code, ended.output) == (2, ""), ended
    assert "Traceback" not in ended.error
    message = "error: the AWS credentials have expired or are not valid (ExpiredTokenException)"
    assert message in ended.error


def test_redrive_goes_on_after_a_new_login(
    for_a_while: Clone, credentials: Credentials, letters: Letters
) -> None:
    credentials.operation, credentials.left = "SendMessageBatch", 10
    expired = for_a_while.run("dlq", "redrive", *OF_THE_QUEUE)
    assert_expired(expired, credentials)
    assert "run the same command again to go on" in expired.error
    credentials.renew()
    again = for_a_while.run("dlq", "redrive", *OF_THE_QUEUE)
    assert again.code == 0, again
    assert letters.in_queue() == ALL
    assert not letters.in_dlq()


def test_purge_and_restore_go_on_after_a_new_login(
    for_a_while: Clone, credentials: Credentials, letters: Letters
) -> None:
    credentials.operation, credentials.left = "DeleteMessageBatch", 10
    expired = for_a_while.run("dlq", "purge", *OF_THE_QUEUE)
    assert_expired(expired, credentials)
    (backup,) = for_a_while.states.rglob("backups/*.jsonl")
    assert f"what is deleted is in {backup}" in expired.error
    credentials.renew()

    # What was written and not deleted is in both. What was received and not written is hidden.
    written, left = set(in_backups(for_a_while.states)), set[str]()

    def is_all_there() -> tuple[bool, int]:
        left.update(letters.in_dlq())
        return written | left == set(ALL), len(written | left)

    wait_until("each letter is in the backup or the queue", is_all_there, timeout_seconds=120)
    credentials.operation, credentials.left = "SendMessageBatch", 5
    restoring = ("dlq", "restore", str(backup), *OF_THE_QUEUE)
    expired = for_a_while.run(*restoring)
    assert_expired(expired, credentials)
    assert "run the same command again to go on" in expired.error
    credentials.renew()
    again = for_a_while.run(*restoring)
    assert again.code == 0, again
    assert letters.in_dlq() == in_backups(for_a_while.states)


def test_main_job_names_the_command_that_destroys_what_it_could_not(
    for_a_while: Clone, credentials: Credentials, account: PlayedAccount
) -> None:
    with for_a_while.started(*RUN) as run:
        run.wait_for_step("produce")
        credentials.expire()
        ended = run.end()
    assert credentials.refused
    assert ended.code == 2, ended
    assert "Traceback" not in ended.error
    assert "ExpiredToken" in ended.error
    assert account.left()
    named = ended.error.partition("what is left is removed by: ")[2].splitlines()[0]
    credentials.renew()
    cleaned = for_a_while.shell(f"{named} --yes")
    assert cleaned.code == 0, cleaned
    assert account.left() == {}
