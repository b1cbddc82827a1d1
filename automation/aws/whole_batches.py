"""A consumer that raises for its whole batch where it could name the messages that failed.

It is the most common mistake there is: the good messages of the batch are delivered again with the
bad one, and end among the dead letters.
"""

import datetime
from collections import Counter
from typing import TYPE_CHECKING

from automation.aws.clients import Clients
from automation.aws.consumer_log import LogReader

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from mypy_boto3_lambda import LambdaClient

# With this a mapping takes an answer that names the messages that failed (AWS Lambda Developer
# Guide, "Implementing partial batch responses").
_PARTIAL = "ReportBatchItemFailures"
# In CloudWatch's filter pattern language one of these texts is enough.
_ENDINGS = '?"[ERROR]" ?"Task timed out" ?"Runtime exited"'
_SHOWN_NAMES = 3


def whole_batch_advice(
    clients: Clients, *, function_name: str, log_group: str | None, since_ms: int
) -> str | None:
    """Say in one sentence what such a consumer should answer; None when it is none.

    Recognised by invocations that failed as a whole, though a mapping of the function would take
    the messages that failed. Time-outs and crashes are something else.

    Args:
        clients: of the target.
        function_name: the consumer.
        log_group: the consumer's; None when it can't be read.
        since_ms: Unix time in milliseconds from which on to look.
    """
    endings = Counter[str | None]()
    if log_group:
        reader = LogReader(clients.logs, log_group, since_ms=since_ms, pattern=_ENDINGS)
        endings.update(event.exception_name for event in reader.new_events() if event.is_ending)
    names = Counter({name: count for name, count in endings.items() if name})
    # A consumer in another language, or another AWS, may leave nothing of it in the log.
    failed = names.total() if endings else _failed_invocations(clients, function_name, since_ms)
    if not failed or not _takes_item_failures(clients.functions, function_name):
        return None
    return _sentence(failed, names)


def _failed_invocations(clients: Clients, function_name: str, since_ms: int) -> int:
    """Lambda's own count; it is there a minute or two later."""
    query: MetricDataQueryTypeDef = {
        "Id": "errors",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Dimensions": [{"Name": "FunctionName", "Value": function_name}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    answer = clients.cloudwatch.get_metric_data(
        MetricDataQueries=[query],
        StartTime=datetime.datetime.fromtimestamp(since_ms / 1000, datetime.UTC),
        EndTime=datetime.datetime.now(datetime.UTC),
    )
    return round(sum(sum(result.get("Values", [])) for result in answer["MetricDataResults"]))


def _takes_item_failures(functions: "LambdaClient", function_name: str) -> bool:
    pages = functions.get_paginator("list_event_source_mappings").paginate(
        FunctionName=function_name
    )
    return any(
        _PARTIAL in mapping.get("FunctionResponseTypes", [])
        for page in pages
        for mapping in page.get("EventSourceMappings", [])
    )


def _sentence(failed: int, names: Counter[str]) -> str:
    shown = ", ".join(name for name, _ in names.most_common(_SHOWN_NAMES))
    return (
        f"{failed} invocations of the consumer failed as a whole{f' ({shown})' if shown else ''}, "
        "and with a bad message all good ones of its batch: the consumer should catch what goes "
        'wrong with one message, and answer {"batchItemFailures": [{"itemIdentifier": '
        '"<its messageId>"}, ...]} with those that failed'
    )
