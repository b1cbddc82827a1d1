"""Find out from AWS alone what belongs to a queue that nobody here has deployed."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.errors import error_code, is_gone, lacks_right
from automation.operations.named_queue import find_queue, named_queue, queue_attribute
from automation.operations.wiring import Consumer, Queue, Wiring
from automation.target import Account
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

Found = TypeVar("Found")

# The most that SQS gives, which it does only when asked for pages (SQS API Reference,
# ListDeadLetterSourceQueues).
_PAGE_SIZE = 1000
_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:(?P<name>[\w-]+)(?::\S+)?")


@dataclass(kw_only=True)
class _Search:
    """Looks for what belongs to a queue, and keeps what could not be looked at."""

    account: Account
    notes: list[str] = field(default_factory=list[str])

    def allowed(self, what: str, look: Callable[[], Found], otherwise: Found) -> Found:
        """What a look finds; when that is refused, or fails, it is said, and the rest goes on.

        The queue itself can be worked with all the same.
        """
        try:
            return look()
        except ClientError as error:
            words = "no permission for" if lacks_right(error) else f"{error_code(error)} from"
            self.notes.append(f"{what} can't be looked at: {words} {error.operation_name}")
        except BotoCoreError as error:
            self.notes.append(f"{what} can't be looked at: {error}")
        return otherwise


def discovered_wiring(
    account: Account, queue_text: str | None, dlq_text: str | None, log_groups: Iterable[str]
) -> Wiring:
    """Find out what belongs to a queue.

    Args:
        account: where.
        queue_text: name, URL or ARN of a queue that work is sent to, or of a dead-letter queue;
            None to begin at `dlq_text`.
        dlq_text: the same of the dead-letter queue, where no redrive policy names it or another
            one is meant.
        log_groups: where else a consumer logs.

    Raises:
        AutomationError: there is no such queue.
        ClientError: a queue may not be looked at.
    """
    search = _Search(account=account)
    log_groups = tuple(log_groups)
    given = find_queue(account, named_queue("--queue", queue_text)) if queue_text else None
    dlq = find_queue(account, named_queue("--dlq", dlq_text)) if dlq_text else None
    if given and dlq is None:
        dlq, listed = _dlq_and_sources(search, given)
    else:
        listed = _sources(search, dlq) if dlq else ()
    sources = listed or ()
    queue = None if given == dlq else given
    if queue and queue not in sources:
        sources = (queue, *sources)
    elif queue is None and len(sources) == 1:
        queue = sources[0]
    consumers = tuple(_consumers(search, sources, has_other_logs=bool(log_groups)))
    watched = {("QueueName", of.name) for of in (*sources, dlq) if of}
    watched |= {("FunctionName", consumer.function_name) for consumer in consumers}
    return Wiring(
        selected=f"queue {given.name}" if given else f"DLQ {dlq.name if dlq else ''}",
        queue=queue,
        dlq=dlq,
        sources=sources,
        are_sources_known=listed is not None,
        consumers=consumers,
        more_log_groups=log_groups,
        alarm_names=search.allowed("alarms", lambda: tuple(_alarms(account, watched)), ()),
        notes=tuple(search.notes),
    )


def consumers_of(
    account: Account, sources: Iterable[Queue], *, has_other_logs: bool
) -> tuple[tuple[Consumer, ...], tuple[str, ...]]:
    """The Lambda functions that are fed from queues, and what could not be looked at.

    Args:
        account: where.
        sources: the queues.
        has_other_logs: the user has named the log of another consumer.
    """
    search = _Search(account=account)
    found = tuple(_consumers(search, sources, has_other_logs=has_other_logs))
    return found, tuple(search.notes)


def _dlq_and_sources(
    search: _Search, queue: Queue
) -> tuple[Queue | None, tuple[Queue, ...] | None]:
    """What the redrive policy names, or the queue itself when it is one; and what leads there."""
    account = search.account
    target = limits.redrive_target(queue_attribute(account, queue.url, "RedrivePolicy"))
    own = _sources(search, queue)
    if target is None:
        return (queue, own) if own else (None, ())
    if own:
        search.notes.append(
            f"{queue.name} is a dead-letter queue itself, and has one: to look into {queue.name}, "
            f"say --dlq {queue.name}"
        )
    dlq = find_queue(account, named_queue(f"{queue.name}'s redrive policy names", target.dlq_arn))
    return dlq, _sources(search, dlq)


def _sources(search: _Search, dlq: Queue) -> tuple[Queue, ...] | None:
    """The queues whose redrive policies name it; None when they may not be listed."""

    def look() -> tuple[Queue, ...]:
        pages = search.account.clients.sqs.get_paginator("list_dead_letter_source_queues").paginate(
            QueueUrl=dlq.url, PaginationConfig={"PageSize": _PAGE_SIZE}
        )
        urls = [url for page in pages for url in page.get("queueUrls", [])]
        return tuple(
            Queue(
                url=url,
                # They are of the dead-letter queue's account and region: CreateQueue wants that.
                arn=f"{dlq.arn.rpartition(':')[0]}:{url.rpartition('/')[2]}",
                name=url.rpartition("/")[2],
            )
            for url in urls
        )

    return search.allowed(f"the queues whose dead letters go to {dlq.name}", look, None)


def _consumers(
    search: _Search, sources: Iterable[Queue], *, has_other_logs: bool
) -> Iterator[Consumer]:
    names = dict.fromkeys(
        name
        for source in sources
        for name in search.allowed(
            f"consumers of {source.name}", lambda source=source: _fed_by(search, source), []
        )
    )
    for name in names:
        group = search.allowed(
            f"the log group of {name}", lambda name=name: _log_group(search.account, name), None
        )
        if group and not search.allowed(
            f"the log of {name}", lambda group=group: _may_be_read(search.account, group), False
        ):
            # Either it says so itself that it may not, or there is none yet.
            group = None
        yield Consumer(function_name=name, log_group=group)
    if not names and not has_other_logs:
        search.notes.append(
            "consumers: no Lambda function is fed from it; where another consumer logs, say: "
            "--log-group"
        )


def mappings_of(
    account: Account, source: Queue
) -> "Iterator[tuple[str, EventSourceMappingConfigurationTypeDef]]":
    """The event source mappings of a queue, each with its function's name."""
    pages = account.clients.functions.get_paginator("list_event_source_mappings").paginate(
        EventSourceArn=source.arn
    )
    for page in pages:
        for mapping in page.get("EventSourceMappings", []):
            if match := _FUNCTION.match(mapping.get("FunctionArn", "")):
                yield match["name"], mapping


def _fed_by(search: _Search, source: Queue) -> list[str]:
    return [name for name, _ in mappings_of(search.account, source)]


def _log_group(account: Account, function_name: str) -> str | None:
    try:
        answer = account.clients.functions.get_function_configuration(FunctionName=function_name)
    except ClientError as error:
        # A mapping stays when its function is deleted.
        if is_gone(error):
            return None
        raise
    return answer.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function_name}"


def _may_be_read(account: Account, log_group: str) -> bool:
    """Whether there is such a log group; Lambda makes it with the first record."""
    try:
        account.clients.logs.filter_log_events(logGroupName=log_group, limit=1)
    except ClientError as error:
        if is_gone(error):
            return False
        raise
    return True


def _alarms(account: Account, watched: set[tuple[str, str]]) -> Iterator[str]:
    """Names of the alarms that look at one of these; also those that calculate with metrics."""
    pages = account.clients.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm"]
    )
    for page in pages:
        for alarm in page.get("MetricAlarms", []):
            if not watched.isdisjoint(_dimensions(alarm)):
                yield alarm.get("AlarmName", "")


def _dimensions(alarm: "MetricAlarmTypeDef") -> Iterator[tuple[str, str]]:
    dimensions = [*alarm.get("Dimensions", [])]
    for query in alarm.get("Metrics", []):
        dimensions += query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
    for dimension in dimensions:
        yield dimension.get("Name", ""), dimension.get("Value", "")
