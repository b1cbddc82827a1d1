"""What runs have left in an account beside their stacks; of others it offers nothing."""

import functools
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from automation.aws.clients import Clients
from automation.aws.errors import is_gone
from automation.aws.queue_depth import queue_depth
from automation.operations.leftovers import IDLE_SECONDS, Leftover, run_folder, runs_still
from automation.stacks import ASIDE_ENDING, STACK_TAG, WITNESS_ENDING

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import LogGroupTypeDef

# As the program names its log groups: logical name and seven hexadecimal digits of Pulumi's. The
# tag decides; without the name every log group of the account would have to be asked for its tags.
_LOG_GROUP = re.compile(r"(events-consumer|producer)-logs-[0-9a-f]{7}")
_QUEUE = re.compile(
    rf"(?P<stack>.+)({WITNESS_ENDING}-[0-9a-f]{{6}}|{ASIDE_ENDING}-[0-9a-f]{{6}}\.fifo)"
)
# The most that SQS gives, which it does only when asked for pages (SQS API Reference, ListQueues).
_PAGE_SIZE = 1000

_Answer = TypeVar("_Answer")


def leftover_log_groups(clients: Clients) -> Iterator[Leftover]:
    """Log groups of runs of which there is no folder here, an hour old, and of no function."""
    used = {
        function.get("LoggingConfig", {}).get("LogGroup", "")
        for page in clients.functions.get_paginator("list_functions").paginate()
        for function in page.get("Functions", [])
    }
    for page in clients.logs.get_paginator("describe_log_groups").paginate():
        for group in page.get("logGroups", []):
            name = group.get("logGroupName", "")
            if _LOG_GROUP.fullmatch(name) and name not in used and _is_left(clients, group):
                yield Leftover(kind="log group", name=name)


def _is_left(clients: Clients, group: "LogGroupTypeDef") -> bool:
    # The one that the other calls take has no `:*` at its end.
    arn = group.get("logGroupArn") or group.get("arn", "").removesuffix(":*")
    tags = _unless_gone(lambda: clients.logs.list_tags_for_resource(resourceArn=arn)["tags"]) or {}
    stack = tags.get(STACK_TAG)
    # Where there is a folder, the log group goes with the stack.
    return bool(stack) and not run_folder(stack) and _is_old(group.get("creationTime", 0) / 1000)


def leftover_queues(clients: Clients) -> Iterator[Leftover]:
    """Queues that runs made to hear an alarm, or to read a FIFO queue, and could not delete."""
    for page in clients.sqs.get_paginator("list_queues").paginate(
        PaginationConfig={"PageSize": _PAGE_SIZE}
    ):
        for url in page.get("QueueUrls", []):
            found = _QUEUE.fullmatch(url.rpartition("/")[2])
            look = functools.partial(_left_queue, clients, url, found["stack"]) if found else None
            if look and (leftover := _unless_gone(look)):
                yield leftover


def _left_queue(clients: Clients, url: str, stack: str) -> Leftover | None:
    if clients.sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).get(STACK_TAG) != stack:
        return None
    folder = run_folder(stack)
    try:
        if folder and runs_still(folder):
            return None
    except FileNotFoundError:
        # It ends in this moment, and deletes what it has made.
        return None
    attributes = clients.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["CreatedTimestamp"]
    ).get("Attributes", {})
    # Without a folder the run may go on elsewhere.
    if not folder and not _is_old(float(attributes.get("CreatedTimestamp", "0"))):
        return None
    return Leftover(kind="queue", name=url, messages=queue_depth(clients.sqs, url).total)


def remove_from_account(leftover: Leftover, clients: Clients) -> None:
    """Delete a log group, or a queue with what feeds it; one that is gone is well.

    Raises:
        ClientError: AWS does not.
    """
    if leftover.kind == "log group":
        _unless_gone(lambda: clients.logs.delete_log_group(logGroupName=leftover.name))
        return
    url = leftover.name
    answer = _unless_gone(
        lambda: clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    )
    if answer is None:
        return
    # It goes with its topic, as a rule, and that with the stack.
    for page in clients.sns.get_paginator("list_subscriptions").paginate():
        for subscription in page.get("Subscriptions", []):
            if subscription.get("Endpoint") == answer["Attributes"]["QueueArn"]:
                clients.sns.unsubscribe(SubscriptionArn=subscription.get("SubscriptionArn", ""))
    _unless_gone(lambda: clients.sqs.delete_queue(QueueUrl=url))


def _unless_gone(ask: Callable[[], _Answer]) -> _Answer | None:
    """What AWS answers; None when what it was asked about has gone, a moment ago."""
    try:
        return ask()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def _is_old(created_seconds: float) -> bool:
    return time.time() - created_seconds >= IDLE_SECONDS
