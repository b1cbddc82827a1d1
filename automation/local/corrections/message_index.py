"""The messages of one queue, found by what a request asks for instead of by looking at each."""

import copy
import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

Message: TypeAlias = dict[str, Any]
"""A message as the emulator keeps it; times are Unix seconds."""

_Item = TypeVar("_Item")
# So many entries of a heap may be of no use any more before it is made anew.
_MOST_IDLE = 1_000

LOCK = threading.RLock()
"""Of all queues: requests, mappings and deliveries come in threads of their own, and a move to a
dead-letter queue concerns two."""


class _Smallest(Generic[_Item]):
    """Items by a key of each, of which the one with the smallest key can be seen."""

    def __init__(self) -> None:
        self._keys: dict[_Item, float] = {}
        # What is discarded stays until it comes up.
        self._heap: list[tuple[float, _Item]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, item: _Item, key: float) -> None:
        if self._keys.get(item) == key:
            return
        self._keys[item] = key
        heapq.heappush(self._heap, (key, item))
        if len(self._heap) > 2 * len(self._keys) + _MOST_IDLE:
            self._heap = [(key, item) for item, key in self._keys.items()]
            heapq.heapify(self._heap)

    def discard(self, item: _Item) -> bool:
        return self._keys.pop(item, None) is not None

    def first(self) -> tuple[float, _Item] | None:
        while self._heap and self._keys.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None


class Messages:
    """In the place of the emulator's list, in the same order.

    Args:
        messages: the first ones.
        is_fifo: a message group with a message in flight holds back the rest of it.
        complete: puts in what a message of another service lacks.
        clock: the time, Unix seconds.
    """

    def __init__(
        self,
        messages: Iterable[Message],
        *,
        is_fifo: bool,
        complete: Callable[[Message], None],
        clock: Callable[[], float],
    ) -> None:
        self._is_fifo = is_fifo
        self._complete = complete
        self._clock = clock
        self._next = 0
        self.clear()
        for message in messages:
            self.append(message)

    def clear(self) -> None:
        with LOCK:
            # By a serial number, which is its place in the order.
            self._messages: dict[int, Message] = {}
            self._by_receipt: dict[str, int] = {}
            self._by_age = _Smallest[int]()
            self._hidden = _Smallest[int]()
            # Those that can be received, by group; and of each group that is free its first.
            self._ready: dict[str, _Smallest[int]] = {}
            self._free = _Smallest[str]()
            self._in_flight = Counter[str]()
            self._flying = 0
            # Those of the ready that have been received before, by how often.
            self._returned: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        with LOCK:
            return iter(list(self._messages.values()))

    def __getitem__(self, place: int) -> Message:
        return list(self)[place]

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Message]:
        """What is written to disk is the list that the emulator reads."""
        return copy.deepcopy(list(self), memo)

    def append(self, message: Message) -> None:
        with LOCK:
            self._complete(message)
            serial, self._next = self._next, self._next + 1
            self._messages[serial] = message
            if message["receipt_handle"] is not None:
                self._by_receipt[message["receipt_handle"]] = serial
            self._by_age.put(serial, message.get("enqueued_at", message["sent_at"]))
            self._place(serial, message, self._clock())

    def remove(self, message: Message) -> None:
        """Take out a message that has been received."""
        if not self.delete(message["receipt_handle"]):
            raise ValueError("no such message")

    def received_with(self, receipt: str) -> Message | None:
        """The message of which this is the newest receipt."""
        with LOCK:
            serial = self._by_receipt.get(receipt)
            return None if serial is None else self._messages[serial]

    def is_in_flight(self, receipt: str) -> bool:
        """Whether a message is hidden by the receive that this receipt came of."""
        message = self.received_with(receipt)
        return message is not None and message["visible_at"] > self._clock()

    def delete(self, receipt: str) -> bool:
        """Take out the message with this receipt; False when there is none."""
        with LOCK:
            serial = self._by_receipt.get(receipt)
            if serial is None:
                return False
            self._take_out(serial)
            return True

    def change_visibility(self, receipt: str, seconds: int) -> None:
        """Hide the message with this receipt for so long, if there is one."""
        with LOCK:
            serial = self._by_receipt.get(receipt)
            if serial is None:
                return
            message, now = self._messages[serial], self._clock()
            self._displace(serial, message)
            message["visible_at"] = now + seconds
            self._place(serial, message, now)

    def expire(self, retention_seconds: int) -> None:
        """Take out what is as old as that or older."""
        with LOCK:
            cutoff = self._clock() - retention_seconds
            while (oldest := self._by_age.first()) and oldest[0] <= cutoff:
                self._take_out(oldest[1])

    def counts(self) -> tuple[int, int, int]:
        """How many are visible, in flight and delayed."""
        with LOCK:
            self._show(self._clock())
            hidden = len(self._hidden)
            return len(self._messages) - hidden, self._flying, hidden - self._flying

    def next_appearance(self) -> float | None:
        """When the next of those that are hidden becomes visible; None where none is hidden."""
        with LOCK:
            self._show(self._clock())
            first = self._hidden.first()
            return first[0] if first else None

    def receive(
        self, most: int, visibility_seconds: int, new_receipt: Callable[[Message], str]
    ) -> list[Message]:
        """Hide up to so many of those that are visible, the first ones, and return them."""
        with LOCK:
            now = self._clock()
            self._show(now)
            taken: list[tuple[int, Message]] = []
            # A group is held back from the next receive on: one may bring several of it.
            while len(taken) < most and (first := self._free.first()):
                serial = int(first[0])
                taken.append((serial, self._messages[serial]))
                self._displace(*taken[-1])
            for serial, message in taken:
                self._by_receipt.pop(message["receipt_handle"], None)
                message["visible_at"] = now + visibility_seconds
                message["receive_count"] += 1
                message["receipt_handle"] = new_receipt(message)
                self._by_receipt[message["receipt_handle"]] = serial
                if message["first_receive_at"] is None:
                    message["first_receive_at"] = now
                self._place(serial, message, now)
            return [message for _, message in taken]

    def take_exhausted(self, receives: int, move: Callable[[list[Message]], list[Message]]) -> None:
        """Take out the visible ones that have been received so often or oftener.

        Args:
            receives: how often.
            move: gets them, in their order, and returns those that stay.
        """
        with LOCK:
            self._show(self._clock())
            due = sorted(
                serial
                for received, serials in self._returned.items()
                if received >= receives
                for serial in serials
            )
            if not due:
                return
            staying = {id(message) for message in move([self._messages[each] for each in due])}
            for serial in due:
                if id(self._messages[serial]) not in staying:
                    self._take_out(serial)

    def _take_out(self, serial: int) -> None:
        message = self._messages[serial]
        self._displace(serial, message)
        self._by_age.discard(serial)
        self._by_receipt.pop(message["receipt_handle"], None)
        del self._messages[serial]

    def _show(self, now: float) -> None:
        """Let appear what was hidden until now."""
        while (first := self._hidden.first()) and first[0] <= now:
            message = self._messages[first[1]]
            self._displace(first[1], message)
            self._place(first[1], message, now)

    def _place(self, serial: int, message: Message, now: float) -> None:
        group, receives = self._group(message), message["receive_count"]
        if message["visible_at"] > now:
            self._hidden.put(serial, message["visible_at"])
            self._flying += receives > 0
            self._in_flight[group] += receives > 0
        else:
            self._ready.setdefault(group, _Smallest()).put(serial, serial)
            if receives:
                self._returned.setdefault(receives, set()).add(serial)
        self._see_to_group(group)

    def _displace(self, serial: int, message: Message) -> None:
        group, receives = self._group(message), message["receive_count"]
        if self._hidden.discard(serial):
            self._flying -= receives > 0
            self._in_flight[group] -= receives > 0
        else:
            self._ready[group].discard(serial)
            if receives:
                self._returned[receives].discard(serial)
        self._see_to_group(group)

    def _see_to_group(self, group: str) -> None:
        ready = self._ready.get(group)
        first = ready.first() if ready else None
        if not first:
            self._ready.pop(group, None)
        if not self._in_flight[group]:
            del self._in_flight[group]
        if first and (not group or group not in self._in_flight):
            self._free.put(group, first[0])
        else:
            self._free.discard(group)

    def _group(self, message: Message) -> str:
        """Empty for what no other message holds back."""
        return (message["group_id"] or "") if self._is_fifo else ""
