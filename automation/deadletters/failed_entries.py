"""The entries of a batch that SQS has not done: which of them to ask for again, and when."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import BatchResultErrorEntryTypeDef

Item = TypeVar("Item")

_ATTEMPTS = 5
# Full jitter between attempts, as the functions do; here a person waits, so the cap is low.
_BACKOFF_BASE_SECONDS = 0.1
_BACKOFF_CAP_SECONDS = 5.0


def attempts(pause: Callable[[float], object]) -> Iterator[None]:
    """Come by for each of five attempts, with a back-off before all but the first.

    Args:
        pause: waits a number of seconds.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            pause(backoff_seconds(attempt))
        yield


def backoff_seconds(attempt: int) -> float:
    """How long to wait before an attempt, of which the second has number 1."""
    ceiling = min(_BACKOFF_CAP_SECONDS, _BACKOFF_BASE_SECONDS * 2**attempt)
    return random.uniform(0, ceiling)  # noqa: S311 it spreads load and protects nothing


def ask_again(
    ask: Callable[[list[Item]], list[Item]],
    items: Iterable[Item],
    pause: Callable[[float], object],
) -> list[Item]:
    """Ask for something of each item, five times at the most; return those that are left.

    Args:
        ask: does so once, and returns the items for which it makes sense to ask again.
        items: what to ask for first.
        pause: waits a number of seconds.
    """
    left = list(items)
    if left:
        for _ in attempts(pause):
            left = ask(left)
            if not left:
                break
    return left


def receipt_ran_out(failure: "BatchResultErrorEntryTypeDef") -> bool:
    """Whether an entry of a batch was refused because its message is visible again.

    A FIFO queue says `InvalidParameterValue`, "The receipt handle has expired" (SQS API Reference,
    ChangeMessageVisibility and DeleteMessage; Developer Guide, "Visibility timeout"); the JSON
    protocol's name for that error ends in `Exception`, and LocalStack says it in batches.
    """
    code, words = failure["Code"], failure.get("Message", "")
    return code == "ReceiptHandleIsInvalid" or (
        code.removesuffix("Exception") == "InvalidParameterValue" and "expired" in words
    )
