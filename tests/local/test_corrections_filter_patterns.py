"""Filter patterns match as CloudWatch Logs documents, and what is not known is refused."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.local.corrections.filter_patterns import PatternError, matcher
from automation.local.resources.cloud import Cloud

# The example of Amazon CloudWatch Logs User Guide, Filter pattern syntax.
TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "latency": 500.5,
    "huge": 10**400,
}
LINES = {"both": "ERROR WARN message", "error": "ERROR message", "warn": "WARN message"}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "updatetrail" }', False),
        ('{$.eventType="Update*"}', True),
        ('{ $.eventType = "*Trail" }', True),
        ('{ $.eventType = "*dateTr*" }', True),
        ('{ $.eventType = "Up*il" }', False),
        ('{ $.eventType = "*" }', True),
        ("{ $.latency = * }", True),
        ('{ $.missing = "*" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.* }", False),
        ("{ $.missing != 1 }", False),
        ("{ $.arrayKey != 1 }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.arrayKey[9] = * }", False),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[1].id != 2 }", False),
        ("{ $.objectList[1].id = 2.0 }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.latency >= 500 }", True),
        ("{ $.latency < 10e2 }", True),
        ("{ $.latency > +1000 }", False),
        ("{ $.huge > 1 }", True),
        ("{ $.eventType > 1 }", False),
        ("{ $.latency > 1 && $.eventType = nomatch }", False),
        ("{ $.latency > 1 || $.eventType = a && $.eventType = b }", True),
        ("{ ($.latency > 1 || $.eventType = a) && $.eventType = b }", False),
    ],
)
def test_condition_on_json(pattern: str, matches: bool) -> None:
    assert matcher(pattern)(json.dumps(TRAIL)) is matches


def test_condition_on_json_matches_no_other_line() -> None:
    condition = matcher("{ $.missing NOT EXISTS }")
    assert not condition("START RequestId")
    assert not condition('"text"')
    assert not condition("[" * 100_000)


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("", {"both", "error", "warn"}),
        ("ERROR", {"both", "error"}),
        ("error", set()),
        ("ERROR WARN", {"both"}),
        ("?ERROR ?WARN", {"both", "error", "warn"}),
        ("ERROR -WARN", {"error"}),
        ('"ERROR message"', {"error"}),
        ('-"ERROR message"', {"both", "warn"}),
        ("%ERR.R%", {"both", "error"}),
        ("%[Ww]arn|RROR%", {"both", "error"}),
        ("%^WARN%", {"warn"}),
        ("%WARN.{1,2}m%", {"both", "warn"}),
    ],
)
def test_terms(pattern: str, matching: set[str]) -> None:
    found = {name for name, line in LINES.items() if matcher(pattern)(line)}
    assert found == matching


@pytest.mark.parametrize(
    "pattern",
    [
        "%ERR OR%",
        "%(ERROR)%",
        "%ERR!R%",
        "%[ERR%",
        "%ERROR",
        "%ERROR% WARN",
        "[ip, user, ...]",
        "request-id",
        "?ERROR WARN",
        '"open',
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a == 1 }",
        "{ $.a > x }",
        "{ $.a IS NOTHING }",
        "{ $.a EXISTS }",
        "{ ($.a = 1 }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a = %x% }",
    ],
)
def test_pattern_that_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        matcher(pattern)


def found(cloud: Cloud, pattern: str) -> list[Any]:
    answer = cloud.logs.filter_log_events(logGroupName="group", filterPattern=pattern)
    return [event.get("message") for event in answer["events"]]


def test_emulator_filters_by_the_pattern_and_refuses_one_that_is_not_known(cloud: Cloud) -> None:
    cloud.logs.create_log_group(logGroupName="group")
    cloud.logs.create_log_stream(logGroupName="group", logStreamName="stream")
    lines = ['{"message_id": "1"}', '{"other": 1}', "plain"]
    now_ms = int(time.time() * 1000)
    cloud.logs.put_log_events(
        logGroupName="group",
        logStreamName="stream",
        logEvents=[{"timestamp": now_ms, "message": line} for line in lines],
    )
    assert found(cloud, '{ $.message_id = "*" }') == lines[:1]
    assert found(cloud, "plain") == lines[2:]
    assert found(cloud, "PLAIN") == []
    assert found(cloud, "%PLAIN|[Pp]lai%") == lines[2:]
    assert found(cloud, "") == lines
    with pytest.raises(ClientError, match="InvalidParameterException"):
        found(cloud, "%not regular%")
