"""A letter that no failure names is found through the invocation that named it."""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from automation.aws.consumer_log import LogEvent
from automation.aws.log_lines import read_line
from automation.deadletters.invocations import invocations
from automation.deadletters.looking_up import chunk_size, look_up, pattern_of
from automation.deadletters.reasons import FAILURES
from automation.deadletters.survey import NO_RECORD, survey_dead_letters
from automation.deadletters.verdicts import UNNAMED
from automation.local.corrections.filter_patterns import matcher

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

A = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6a"
B = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6b"
R1 = "6f2e0c5a-5a3f-4b52-8e1c-0f2f6f2e0c51"
R2 = "6f2e0c5a-5a3f-4b52-8e1c-0f2f6f2e0c52"
CAUGHT = "[ERROR]\t2026-11-24T10:00:00.000Z\t{}\tIndexError: list index out of range"
IT_IS_MISSING = (
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in h',
    '    d["it"]',
    "KeyError: 'it'",
)
GROUP = "consumer"


def start(request_id: str) -> str:
    return f"START RequestId: {request_id} Version: $LATEST"


def end(request_id: str, status: str = "") -> list[str]:
    return [
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: 1 ms{status}",
    ]


def shown(*message_ids: str) -> str:
    return json.dumps({"Records": [{"messageId": each, "body": "x"} for each in message_ids]})


def told(lines: Iterable[str]) -> dict[str, str]:
    """The last and surest reason by message."""
    found: dict[str, tuple[int, str]] = {}
    events = [LogEvent(at_ms=0, line=read_line(line), stream="s") for line in lines]
    for invocation in invocations(events):
        for verdict in invocation.verdicts({A, B}.__contains__):
            for message_id in verdict.message_ids:
                if verdict.sureness >= found.get(message_id, (-1, ""))[0]:
                    found[message_id] = (int(verdict.sureness), verdict.reason)
    return {message_id: reason for message_id, (_, reason) in found.items()}


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        # Nobody knows how many were behind it.
        (
            [f"took {A}", "[ERROR] KeyError: 'store_id'"],
            {A: "its batch failed: KeyError: 'store_id'"},
        ),
        ([shown(A), "[ERROR] KeyError: 'store_id'"], {A: "KeyError: 'store_id'"}),
        ([f"{{'Records': [{{'messageId': '{A}'}}]}}", "[ERROR] ValueError: x"], {A: "ValueError"}),
        (
            [shown(A, B), "[ERROR] ValueError: x"],
            {A: "its batch failed: ValueError", B: "its batch failed: ValueError"},
        ),
        # One that is no letter was in the batch too.
        ([shown(A, R2), "[ERROR] ValueError: x"], {A: "its batch failed: ValueError"}),
        # What was caught, and names nobody, belongs to the only one there was.
        ([shown(A), CAUGHT.format(R1)], {A: "IndexError: list index out of range"}),
        ([shown(A, B), CAUGHT.format(R1)], {}),
        ([f"took {A}", CAUGHT.format(R1)], {}),
        (
            [f"took {A}", f"2026-11-24T10:00:00.000Z {R1} Task timed out after 3.00 seconds"],
            {A: "its batch failed: Task timed out after 3.00 seconds"},
        ),
        # Its own reason says more than its batch's.
        (
            [f"{A} failed: KeyError('store_id')", f"took {B}", "[ERROR] ValueError: x"],
            {A: "KeyError: store_id", B: "its batch failed: ValueError"},
        ),
        (
            [f"failed {A}", *IT_IS_MISSING, f"failed {B}"],
            {A: "KeyError: 'it'", B: UNNAMED},
        ),
        # Both may have been taken before the first was worked on.
        ([f"took {A}", f"took {B}", *IT_IS_MISSING], {}),
        ([shown(A), f"took {A}", *IT_IS_MISSING], {A: "KeyError: 'it'"}),
        ([f"took {A}"], {}),
    ],
)
def test_reasons_of_one_invocation(lines: list[str], reasons: dict[str, str]) -> None:
    assert told([start(R1), *lines, *end(R1)]) == reasons


def test_status_of_the_report_ends_a_run_too() -> None:
    lines = [start(R1), f"took {A}", *end(R1, "\tStatus: timeout")]
    assert told(lines) == {A: "its batch failed: Task timed out"}


def test_invocations_are_kept_apart() -> None:
    lines = [start(R1), f"took {A}", *end(R1), start(R2), f"took {B}", "[ERROR] ValueError: x"]
    assert told([*lines, *end(R2)]) == {B: "its batch failed: ValueError"}
    # What ends one may come behind its REPORT.
    late = f"2026-11-24T10:00:00.000Z {R1} Task timed out after 3.00 seconds"
    lines = [start(R1), f"took {A}", *end(R1), start(R2), f"took {B}", *end(R2), late]
    assert told(lines) == {A: "its batch failed: Task timed out after 3.00 seconds"}


def test_lines_without_a_frame_belong_to_nobody() -> None:
    assert told([f"took {A}", f"took {B}", "[ERROR] ValueError: x"]) == {}


def test_other_requests_id_in_a_record_is_no_frame() -> None:
    record = json.dumps({"level": "INFO", "requestId": R2, "order": A})
    lines = [start(R1), record, "[ERROR] ValueError: x", *end(R1)]
    assert told(lines) == {A: "its batch failed: ValueError"}


def test_deep_recursion_is_read_in_no_time() -> None:
    frames = ['  File "a.py", line 1, in h', "    h()"] * 5_000
    lines = [f"failed {A}", IT_IS_MISSING[0], *frames, "RecursionError: x"]
    began = time.monotonic()
    assert told([start(R1), *lines, *end(R1)]) == {A: "RecursionError"}
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "line",
    [
        f"{A} failed",
        f"{A} KeyError('x')",
        f"Failure of {A}",
        f"SEVERE: {A}",
        f"[ERROR]\t2026-11-24T10:00:00.000Z\t{R1}\t{A}",
        f"SEVERE: {A}\njava.lang.IllegalStateException\n\tat a.b",
        f'{{"level": 50, "id": "{A}"}}',
        f'{{"level":60,"id":"{A}"}}',
        f'{{"severity": "critical", "id": "{A}", "exception_name": "OutOfStock"}}',
        *(
            f'{{"level": "{level}", "id": "{A}"}}'
            for level in ("CRITICAL", "fatal", "ERR", "PANIC")
        ),
        f"{A} ReadTimeout()",
        f'{{"errorType": "OutOfStock", "id": "{A}"}}',
    ],
)
def test_line_of_a_failure_is_what_the_log_is_asked_for(line: str) -> None:
    assert LogEvent(at_ms=0, line=read_line(line)).is_failure
    assert matcher(FAILURES)(line)
    assert len(FAILURES) <= 1_024


def test_pattern_is_as_long_as_cloudwatch_takes() -> None:
    assert len(pattern_of([A] * chunk_size())) <= 1_024 < len(pattern_of([A] * (chunk_size() + 1)))


Write = Callable[..., None]


@pytest.fixture
def write(logs: "CloudWatchLogsClient") -> Write:
    logs.create_log_group(logGroupName=GROUP)
    for stream in ("s", "t"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)

    def write(stream: str, *lines: str, ago_ms: int = 0) -> None:
        at_ms = int(time.time() * 1000) - ago_ms
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=stream,
            logEvents=[{"timestamp": at_ms, "message": line} for line in lines],
        )

    return write


def test_lines_of_the_same_invocation_are_read_and_no_others(
    logs: "CloudWatchLogsClient", write: Write
) -> None:
    write("s", start(R1), f"took {A}", ago_ms=800_000)
    write("t", start(R2), f"took {B}", "[ERROR] IndexError: x", *end(R2), ago_ms=700_000)
    write("s", "[ERROR] ValueError: x", *end(R1))
    found = look_up(logs, GROUP, [A], since_ms=0, is_letter={A, B}.__contains__)
    assert [(verdict.message_ids, verdict.reason) for verdict in found] == [
        ({A}, "its batch failed: ValueError")
    ]


def test_log_that_names_nobody_is_not_read_for_each(
    logs: "CloudWatchLogsClient", write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("s", start(R1), "took something", *end(R1))
    monkeypatch.setattr("automation.deadletters.looking_up._MAX_PATTERN", 100)
    assert chunk_size() == 2
    ids = iter([A, B] * 10)
    assert list(look_up(logs, GROUP, ids, since_ms=0, is_letter=bool)) == []
    assert len(list(ids)) == 16


def test_survey_says_how_many_were_not_looked_up(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    dlq_url: str,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [sqs.send_message(QueueUrl=dlq_url, MessageBody="x")["MessageId"] for _ in range(5)]
    monkeypatch.setattr("automation.deadletters.survey.MOST_LOOKED_UP", 3)
    write("s", *[start(R1), *(f"took {each}" for each in ids), "[ERROR] ValueError: x"], *end(R1))
    with closing(
        survey_dead_letters(sqs, logs, dlq_url=dlq_url, log_groups=[GROUP], wait_seconds=0)
    ) as survey:
        reasons = [letter.reason for letter in survey.letters()]
        assert sorted(reasons) == ["its batch failed: ValueError"] * 3 + [NO_RECORD] * 2
        assert survey.not_looked_up == 2
        (left, _) = (letter for letter in survey.letters() if letter.failure is None)
        letter = survey.looked_up(left, logs, [GROUP])
        assert letter.reason == "its batch failed: ValueError"
        assert letter.failure
        assert letter.failure.attempts == 1
