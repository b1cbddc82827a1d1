"""A queue as somebody names it: by name, URL or ARN; and the one that is meant."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import is_gone
from automation.errors import AutomationError
from automation.operations.wiring import Queue
from automation.target import Account
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

# arn:PARTITION:sqs:REGION:ACCOUNT:NAME
_ARN = re.compile(r"arn:[\w-]+:sqs:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w.-]+)")
# The hosts that SQS has or had (AWS General Reference, Amazon SQS endpoints and quotas); of an
# emulator's only the path tells something.
_URL = re.compile(
    r"https?://(?P<host>[^/]+)/(?:queue/[\w-]+/)?(?P<account>\d{12})/(?P<name>[\w.-]+)/?"
)
_HOST_REGION = re.compile(
    r"(?:sqs(?:-fips)?\.(?P<new>[\w-]+)|(?P<old>[\w-]+)\.queue)\.(?:amazonaws\.com|api\.aws)"
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A queue as somebody names it: by name, URL or ARN; None where that says nothing of it."""

    flag: str
    text: str
    name: str
    region: str | None = None
    account_id: str | None = None


def named_queue(flag: str, text: str) -> Named:
    """Read what a user has written for a queue.

    Args:
        flag: where it was written, for the error.
        text: a name, a URL or an ARN.

    Raises:
        AutomationError: it is none of them.
    """
    if arn := _ARN.fullmatch(text):
        region, account_id = arn["region"], arn["account"]
        return Named(flag=flag, text=text, name=arn["name"], region=region, account_id=account_id)
    if url := _URL.fullmatch(text):
        host = _HOST_REGION.fullmatch(url["host"].partition(":")[0])
        region = (host["new"] or host["old"]) if host else None
        return Named(
            flag=flag, text=text, name=url["name"], region=region, account_id=url["account"]
        )
    if limits.is_queue_name(text):
        return Named(flag=flag, text=text, name=text)
    raise AutomationError(
        f"{flag} {text!r} is no queue: give its name (up to 80 letters, digits, '-' and '_'; a "
        "FIFO queue's ends in .fifo), its URL or its ARN"
    )


def check_place(account: Account, named: Named) -> None:
    """Refuse a queue of another account or region.

    Raises:
        AutomationError: it is elsewhere.
    """
    for what, theirs, ours in (
        ("region", named.region, account.region),
        ("account", named.account_id, account.account_id),
    ):
        if theirs not in (None, ours):
            how = "set AWS_REGION" if what == "region" else "sign in there, or set AWS_PROFILE"
            raise AutomationError(
                f"{named.flag} {named.text}: that queue is in {what} {theirs}, and this works in "
                f"{account}: {how}"
            )


def find_queue(account: Account, named: Named) -> Queue:
    """Find a queue.

    Raises:
        AutomationError: there is none, or it is of another account or region.
        ClientError: of a right that is missing.
    """
    check_place(account, named)
    try:
        url = account.clients.sqs.get_queue_url(QueueName=named.name)["QueueUrl"]
    except ClientError as error:
        if not is_gone(error):
            raise
        raise AutomationError(
            f"{named.flag} {named.text}: there is no such queue in {account}"
            f"{_with_other_ending(account, named.name)}"
        ) from error
    return Queue(url=url, arn=queue_attribute(account, url, "QueueArn"), name=named.name)


def _with_other_ending(account: Account, name: str) -> str:
    """A hint at the queue that only lacks, or only has, `.fifo`."""
    bare = name.removesuffix(limits.FIFO_SUFFIX)
    other = bare if bare != name else name + limits.FIFO_SUFFIX
    try:
        account.clients.sqs.get_queue_url(QueueName=other)
    except ClientError:
        return ""
    return f"; there is one called {other}"


def queue_attribute(account: Account, url: str, name: "QueueAttributeNameType") -> str:
    """An attribute of a queue; empty when it has none."""
    answer = account.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return answer.get("Attributes", {}).get(name, "")
