"""How many connections a run sends by, and what each of them gets to send."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from run_request import Request

Group = TypeVar("Group")

# A call to SQS takes 10 to 20 ms, of which the function works a third of one with a whole
# processor. It has one at 1,769 MB (AWS Lambda Developer Guide, Configure Lambda function memory),
# 0.29 of one at 512 MB: that is kept busy by 10 to 20 calls at once, and 0.07 of one at 128 MB by
# three to five. Beside an SQS that answers at once, sixteen are as fast as four.
MAX_CONNECTIONS = 16
# A call of ten messages may take 0.4 s then, twenty times of what is usual, and the rate is held. A
# thread that finds nothing due costs nothing, nor does it open a connection.
MESSAGES_PER_SECOND_EACH = 25


def count_connections(request: Request, *, is_fifo: bool) -> int:
    """How many connections a run needs, 1 to 16.

    A FIFO queue gets one: two calls that are under way at once may arrive in either order.
    """
    if is_fifo:
        return 1
    if request.rate_per_second is None:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, math.ceil(request.rate_per_second / MESSAGES_PER_SECOND_EACH))


class Supply(Generic[Group]):
    """Groups for several threads: each goes to one of them, in order, when it is asked for.

    None is made before somebody has time for it, so memory holds one for each connection. Who
    waits for a group that is not due yet keeps the others waiting behind it, in order too.

    Args:
        groups: where they come from; only one thread at a time is in it.
    """

    def __init__(self, groups: Iterator[Group]) -> None:
        self._groups = groups
        self._lock = threading.Lock()
        self._has_ended = False

    def __iter__(self) -> Iterator[Group]:
        return self

    def __next__(self) -> Group:
        with self._lock:
            if self._has_ended:
                raise StopIteration
            return next(self._groups)

    def end(self) -> None:
        """Give out nothing more, to anybody."""
        self._has_ended = True
