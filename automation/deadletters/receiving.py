"""Receive all that is in a queue, and know when that was all: the one place that does either."""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import error_code
from automation.aws.queue_depth import queue_depth
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.hidden_messages import HiddenMessages
from automation.deadletters.message import MAX_BATCH_ENTRIES, Message, received_message
from automation.waiting import steady_seconds
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

IN_FLIGHT_QUOTA = 120_000
"""Messages of a queue that may be hidden at once. With long polling SQS then returns nothing and
no error, with short polling `OverLimit` (SQS Developer Guide, "Amazon SQS standard
queue quotas"); of a FIFO queue it never says so ("Amazon SQS FIFO queue quotas")."""

HIDDEN_SECONDS = 60
"""How long a message is hidden by a run that was killed before it could give it back, at least."""

# Short polling asks a part of SQS's servers, so one empty answer is no proof.
_EMPTY_RECEIVES = 2

# Counts in flight are approximate, so we stop short of the quota.
_ROOM = 10_000
# How many of those that are held to show again, when no more can be hidden.
_SHOWN_FOR_ROOM = 20_000

# How long an answer that the quota is not reached holds: in that time a run receives a fraction of
# `_ROOM`. At a queue's end all workers ask at once, and each would wait for the others' answers.
_ROOM_HOLDS_SECONDS = 1.0

# A queue that is read at this rate or faster is read before its first message is visible again.
_MESSAGES_PER_SECOND = 100
_LONGEST_HIDING_SECONDS = 3_600


def hiding_seconds(messages: int) -> int:
    """How long to hide messages so that a queue of this depth can be read whole; 60 to 3,600 s."""
    needed = HIDDEN_SECONDS + messages // _MESSAGES_PER_SECOND
    return min(needed, _LONGEST_HIDING_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Received:
    """What one receive brought.

    Attributes:
        messages: those that are not held already.
        is_empty: there was nothing to receive, not even something held already; what was shown on
            purpose doesn't count.
        fresh_until: time on the sweep's clock until which the messages are surely hidden.
    """

    messages: Sequence[Message]
    is_empty: bool
    fresh_until: float


class EmptyTwice:
    """One worker's rule for when a queue is at its end: two receives in a row found nothing."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def is_reached(self, *, is_empty: bool) -> bool:
        """Take in how one receive went; return whether that was the end."""
        self._in_a_row = self._in_a_row + 1 if is_empty else 0
        return self._in_a_row >= _EMPTY_RECEIVES


class Sweep:
    """Receives what is in a queue, holds what is to stay there, and gives it back at the end.

    A message that is held and comes again, its time of hiding being over, is hidden again, for
    twice as long; it never counts as news, nor as the queue's end. When SQS hides no more messages,
    those that were held longest are shown again, so that the others can be met; then nobody can be
    sure any more that all were met, and `is_whole` says so.

    Args:
        sqs: client; any thread may call, so it needs as many connections.
        queue_url: the queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        hidden_seconds: how long a message is hidden, 0 to 43,200 s; also how long those stay
            hidden that a killed process held.
        connections: how many requests to make at once when messages are given back, default 1.
        clock: seconds.

    Attributes:
        hidden_seconds: how long messages are hidden now.
        is_whole: all messages could be hidden at once, so an end is an end.
        hidden_until: time on that clock until which messages may be hidden that nobody has seen:
            the answer to a request got lost, and the request was repeated.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        *,
        wait_seconds: int,
        hidden_seconds: int,
        connections: int = 1,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self.hidden_seconds = hidden_seconds
        self.is_whole = True
        self.hidden_until = -math.inf
        self._sqs = sqs
        self._queue_url = queue_url
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._hidden = HiddenMessages(sqs, queue_url, connections=connections)
        self._held = DiskMap()
        self._lock = threading.Lock()
        self._has_room_until = -math.inf
        self._fruitless = 0
        self._waiting: int | None = None
        self._shown: frozenset[str] = frozenset()

    def close(self) -> None:
        """Free the disk; what is held stays hidden until its time is over."""
        self._hidden.close()
        self._held.close()

    @property
    def unseen_seconds(self) -> float:
        """How long messages may still be hidden that nobody has seen; 0 when there are none."""
        return max(0.0, self.hidden_until - self._clock())

    @property
    def hides_unseen(self) -> bool:
        """Whether messages may still be hidden that nobody has seen; an end is none then."""
        return self.unseen_seconds > 0

    def wait_for_unseen(
        self, pause: Callable[[float], object], is_ending: Callable[[], bool]
    ) -> bool:
        """Wait until nothing is hidden that nobody has seen; false, at once, for a second thread.

        Nothing is received meanwhile, and afterwards by that thread alone: each of its requests may
        be repeated too, and then the waiting begins anew. Where one request in a hundred is
        repeated, eight threads that look each second never come to an end.

        Args:
            pause: waits a number of seconds.
            is_ending: whether to wait no longer.
        """
        with self._lock:
            this_thread = threading.get_ident()
            self._waiting = self._waiting or this_thread
            if self._waiting != this_thread:
                return False
        while self.hides_unseen and not is_ending():
            pause(1)
        return True

    def receive(self, wanted: int = MAX_BATCH_ENTRIES) -> Received:
        """Receive up to `wanted` messages, 1 to 10.

        Raises:
            ClientError, BotoCoreError: the queue can't be worked with.
        """
        began = self._clock()
        hidden_seconds = self.hidden_seconds
        messages = self._receive(wanted, hidden_seconds)
        held = self._held.get_all([message.message_id for message in messages])
        new = [message for message in messages if message.message_id not in held]
        known = [message for message in messages if message.message_id in held]
        came_back = [message for message in known if message.message_id not in self._shown]
        if came_back:
            self._hide_longer(hidden_seconds)
        self.hold(known)
        is_empty = not new and not came_back and (bool(known) or not self._has_made_room())
        return Received(
            messages=new,
            is_empty=is_empty or self._is_going_in_circles(new, messages),
            fresh_until=began + hidden_seconds / 2,
        )

    def hold(self, messages: Iterable[Message]) -> None:
        """Keep messages hidden until the end: else they would be received over and over."""
        for message in messages:
            self._held.add(message.message_id)
            self._hidden.hold(message.receipt_handle)

    def give_back_now(self, messages: Sequence[Message]) -> None:
        """Give back messages that are not held, to be received once more."""
        self._hidden.show([message.receipt_handle for message in messages])

    def show(self, messages: Sequence[Message]) -> None:
        """Show some that are held while the end is made sure of.

        An alarm on visible messages would see none for as long as that takes, and ring again
        afterwards.
        """
        self._shown = frozenset(message.message_id for message in messages)
        self.give_back_now(messages)

    def give_back(self) -> None:
        """Give back all that is held."""
        self._hidden.give_back()

    def _receive(self, wanted: int, hidden_seconds: int) -> list[Message]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=wanted,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        except ClientError as error:
            if error_code(error) != "OverLimit":
                raise
            return []
        # So botocore says that it has repeated a request, whose answer may have got lost.
        if answer["ResponseMetadata"].get("RetryAttempts", 0):
            with self._lock:
                self.hidden_until = max(self.hidden_until, self._clock() + hidden_seconds)
        return [received_message(delivery) for delivery in answer.get("Messages", [])]

    def _hide_longer(self, hidden_seconds: int) -> None:
        with self._lock:
            # Several threads may find the same: double once.
            if self.hidden_seconds == hidden_seconds:
                self.hidden_seconds = min(2 * hidden_seconds, limits.VISIBILITY_TIMEOUT.maximum)

    def _has_made_room(self) -> bool:
        """Show some of what is held, if nothing was received because no more can be hidden."""
        full = IN_FLIGHT_QUOTA - _ROOM
        with self._lock:
            if self._hidden.count < full and self._quota_leaves_room(full):
                return False
            self.is_whole = False
            return self._hidden.give_back(_SHOWN_FOR_ROOM) > 0

    def _quota_leaves_room(self, full: int) -> bool:
        now = self._clock()
        if now >= self._has_room_until:
            if queue_depth(self._sqs, self._queue_url).in_flight >= full:
                return False
            self._has_room_until = now + _ROOM_HOLDS_SECONDS
        return True

    def _is_going_in_circles(self, new: Sequence[Message], received: Sequence[Message]) -> bool:
        """Whether, with more messages than can be hidden, only known ones have come for long."""
        with self._lock:
            self._fruitless = 0 if new else self._fruitless + len(received)
            return not self.is_whole and self._fruitless > 2 * _SHOWN_FOR_ROOM
