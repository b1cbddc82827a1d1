"""A consumer that raises for its whole batch where it could name the messages that failed.

It is the most common mistake there is: the good messages of the batch are delivered again, and end
among the dead letters.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from automation.aws.consumer_log import LogReader

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

# With this a mapping takes an answer that names the messages that failed (AWS Lambda Developer
# Guide, "Implementing partial batch responses").
_PARTIAL = "ReportBatchItemFailures"
# CloudWatch's filter pattern for what Lambda's Python runtime writes of an uncaught exception.
_UNCAUGHT = '"[ERROR]"'


def raised_exceptions(
    logs: "CloudWatchLogsClient", log_group: str, *, since_ms: int
) -> Mapping[str, int]:
    """How often an exception ended an invocation, by its name.

    Args:
        logs: client.
        log_group: the consumer's.
        since_ms: Unix time in milliseconds from which on to count.
    """
    events = LogReader(logs, log_group, since_ms=since_ms, pattern=_UNCAUGHT).new_events()
    return Counter(event.exception_name for event in events if event.exception_name)


def takes_item_failures(functions: "LambdaClient", function_name: str) -> bool:
    """Whether a mapping of the function takes an answer that names what failed."""
    pages = functions.get_paginator("list_event_source_mappings").paginate(
        FunctionName=function_name
    )
    return any(
        _PARTIAL in mapping.get("FunctionResponseTypes", [])
        for page in pages
        for mapping in page.get("EventSourceMappings", [])
    )


def whole_batch_advice(raised: Mapping[str, int]) -> str | None:
    """What such a consumer should answer, in one sentence; None when nothing was raised.

    Args:
        raised: as `raised_exceptions` says.
    """
    if not raised:
        return None
    names = ", ".join(sorted(raised, key=lambda name: (-raised[name], name))[:3])
    return (
        f"the consumer has raised for its whole batch ({sum(raised.values())} times: {names}), so "
        "the good messages of that batch failed too: let it catch what goes wrong with a single "
        'message, and answer {"batchItemFailures": [{"itemIdentifier": messageId}, ...]} with the '
        "messages that failed"
    )
