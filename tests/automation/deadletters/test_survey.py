"""A survey knows every dead letter and why it failed, and leaves the queue as it was."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from automation.aws.queue_depth import queue_depth
from automation.deadletters.survey import NO_RECORD, Survey, survey_dead_letters
from automation.deadletters.where import Where

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

GROUP = "consumer-logs"


@pytest.fixture
def write_log(logs: "CloudWatchLogsClient") -> Callable[..., None]:
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")

    def write(*records: dict[str, object] | str) -> None:
        now_ms = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName="s",
            logEvents=[
                {
                    "timestamp": now_ms,
                    "message": record if isinstance(record, str) else json.dumps(record),
                }
                for record in records
            ],
        )

    return write


def failure(message_id: str, seq: int, attempt: int, reason: str) -> dict[str, object]:
    return {
        "level": "ERROR",
        "message_id": message_id,
        "run_id": "run",
        "seq": seq,
        "receive_count": attempt,
        "reason": reason,
    }


def survey(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    url: str,
    limit: int | None = None,
    connections: int = 3,
) -> Survey:
    return survey_dead_letters(
        sqs,
        logs,
        dlq_url=url,
        log_groups=[GROUP],
        wait_seconds=0,
        connections=connections,
        limit=limit,
    )


def test_each_letter_has_its_last_reason(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    dlq_url: str,
    send_many: Callable[..., None],
    write_log: Callable[..., None],
) -> None:
    send_many(dlq_url, 30)
    with closing(survey(sqs, logs, dlq_url)) as first:
        some, other = [letter.message.message_id for letter in first.letters()][:2]
    write_log(
        "START RequestId: x",
        failure(some, 1000, 1, "first try"),
        failure(some, 1000, 2, "second try"),
        # By its number, as after a restore, which gives it another id.
        failure("id-before", 7, 2, "by number"),
        {"level": "INFO", "processed": {"run": [3]}},
    )
    with closing(survey(sqs, logs, dlq_url)) as found:
        assert (found.seen, found.expected, found.is_complete) == (30, 30, True)
        letter = found.find(some)
        assert letter
        assert letter.failure
        assert (letter.reason, letter.failure.attempts) == ("second try", 2)
        reasons = {letter.message.text("seq"): letter.reason for letter in found.letters()}
        assert reasons["7"] == "by number"
        assert sum(reason == NO_RECORD for reason in reasons.values()) == 28
        by_number = list(found.letters(Where("reason == 'by number' && attributes.seq == `7`")))
        assert len(by_number) == 1
        assert 0 < letter.expires_in_seconds <= 345_600
    assert other != some


@pytest.mark.usefixtures("write_log")
def test_every_message_is_visible_as_before(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    dlq_url: str,
    send_many: Callable[..., None],
) -> None:
    send_many(dlq_url, 30)
    survey(sqs, logs, dlq_url).close()
    depth = queue_depth(sqs, dlq_url)
    assert (depth.visible, depth.in_flight) == (30, 0)


@pytest.mark.usefixtures("write_log")
def test_limited_survey_says_that_it_is_not_complete(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    dlq_url: str,
    send_many: Callable[..., None],
) -> None:
    send_many(dlq_url, 30)
    with closing(survey(sqs, logs, dlq_url, limit=15)) as found:
        assert (found.seen, found.is_complete) == (15, False)
        assert found.completeness == "15 of about 30 messages"
    assert queue_depth(sqs, dlq_url).visible == 30


@pytest.mark.usefixtures("write_log")
def test_fifo_queue_may_hide_messages_behind_others(
    sqs: "SQSClient", logs: "CloudWatchLogsClient"
) -> None:
    url = sqs.create_queue(QueueName="dlq.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for number in range(12):
        sqs.send_message(
            QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=str(number)
        )
    # moto hands a group to two receives at once, when they come at the same moment.
    with closing(survey(sqs, logs, url, connections=1)) as found:
        assert not found.is_complete
        assert "at most ten of each group" in found.completeness


@pytest.mark.usefixtures("write_log")
def test_empty_queue_is_complete(
    sqs: "SQSClient", logs: "CloudWatchLogsClient", dlq_url: str
) -> None:
    with closing(survey(sqs, logs, dlq_url)) as found:
        assert (found.seen, found.is_complete, list(found.letters())) == (0, True, [])
