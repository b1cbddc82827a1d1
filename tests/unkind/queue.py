"""Where a queue's messages lie: on servers, or in groups; who may receive what, and until when."""

import heapq
import itertools
import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.unkind.behaviour import Behaviour
from tests.unkind.ledger import Content, Ledger, content_of

ARN_PREFIX = "arn:aws:sqs:us-east-1:111111111111:"
URL_PREFIX = "https://sqs.us-east-1.amazonaws.com/111111111111/"
DEDUPLICATION_SECONDS = 300

# Places of entries that deliver a message though it is in flight, or deleted.
_TWICE, _DELETED = -1, -2

DEFAULTS = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": "1048576",
}


@dataclass(slots=True, eq=False)
class Stored:
    """A message in a queue.

    Attributes:
        message_id, body, attributes: as sent.
        system: SQS's attributes that don't change by a receive.
        sent_at: Unix time in seconds.
        number: its place in the order of arrival, in its queue.
        receives: how often it was received.
        is_visible: can be received.
        is_gone: deleted, expired or purged.
        visible_at: when it is visible again, while it is in flight.
        place: which of its entries on the servers counts.
    """

    message_id: str
    body: str
    attributes: dict[str, Any]
    system: dict[str, str]
    sent_at: float
    content: Content
    number: int = 0
    receives: int = 0
    first_received_at: float = 0.0
    is_visible: bool = False
    is_gone: bool = False
    visible_at: float = 0.0
    place: int = 0

    @property
    def group(self) -> str:
        return self.system.get("MessageGroupId", "")


def stored(
    message_id: str,
    body: str,
    attributes: dict[str, Any],
    system: dict[str, str],
    sent_at: float,
) -> Stored:
    content = content_of(body, attributes, system)
    return Stored(message_id, body, attributes, system, sent_at, content)


@dataclass(eq=False)
class Queue:
    """What a standard and a FIFO queue have in common; subclasses say what may be received.

    Attributes:
        name: ends in `.fifo` for a FIFO queue.
        settings: SQS's queue attributes, as texts.
        in_flight: how many messages are received and neither deleted nor visible again.
        visible: how many can be received.
        purge_began_at: when the last purge was asked for.
    """

    name: str
    settings: dict[str, str]
    behaviour: Behaviour
    rng: random.Random
    ledger: Ledger
    visible: int = 0
    in_flight: int = 0
    purge_began_at: float | None = None
    changed_at: float = 0.0
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _returns: list[tuple[float, int, int, Stored]] = field(default_factory=list)
    _ends: list[tuple[float, int, Stored]] = field(default_factory=list)
    _looks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.by_number: dict[int, Stored] = {}
        self.sent_by_deduplication_id: dict[str, tuple[float, str]] = {}

    @property
    def url(self) -> str:
        return URL_PREFIX + self.name

    @property
    def arn(self) -> str:
        return ARN_PREFIX + self.name

    @property
    def is_fifo(self) -> bool:
        return self.name.endswith(".fifo")

    @property
    def max_message_bytes(self) -> int:
        return int(self.settings["MaximumMessageSize"])

    @property
    def dead_letter_rule(self) -> tuple[str, int] | None:
        """The dead-letter queue's ARN, and how often a message may be received."""
        policy = json.loads(self.settings.get("RedrivePolicy", "null"))
        return (policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])) if policy else None

    def messages(self) -> list[Stored]:
        """All that are there, in the order of their arrival."""
        return [self.by_number[number] for number in sorted(self.by_number)]

    def add(self, message: Stored, now: float) -> None:
        """Take in a message that was accepted, here or in the queue that it comes from."""
        message.number = next(self._numbers)
        message.is_gone = False
        self.by_number[message.number] = message
        expires_at = message.sent_at + int(self.settings["MessageRetentionPeriod"])
        heapq.heappush(self._ends, (expires_at, message.number, message))
        self._enter(message)
        self._show(message, now)

    def settle(self, now: float) -> None:
        """Have happened what time has brought: messages visible again, expired."""
        while self._returns and self._returns[0][0] <= now:
            at, _, receives, message = heapq.heappop(self._returns)
            is_current = message.visible_at == at and message.receives == receives
            if is_current and not message.is_gone and not message.is_visible:
                self.in_flight -= 1
                self._show(message, at)
        while self._ends and self._ends[0][0] <= now:
            _, number, message = heapq.heappop(self._ends)
            if self.by_number.get(number) is message:
                self.remove(message, now)
                self.ledger.forgotten(message.content, self.ledger.expired)

    def next_return_at(self) -> float | None:
        """When a message in flight may be visible again, at the earliest."""
        return self._returns[0][0] if self._returns else None

    def hide(self, message: Stored, now: float, seconds: float) -> str:
        """Deliver a message; return the receipt handle."""
        if message.is_visible:
            message.is_visible = False
            self.visible -= 1
            self.in_flight += 1
            self._leave(message)
        message.receives += 1
        message.first_received_at = message.first_received_at or now
        self._return_at(message, now + seconds)
        self._look(now)
        return f"{self.name}#{message.number}#{message.receives}"

    def show_in(self, message: Stored, now: float, seconds: float) -> None:
        """Change when a message in flight is visible again."""
        self._return_at(message, now + seconds)
        self.settle(now)

    def remove(self, message: Stored, now: float) -> None:
        """Take a message out."""
        if message.is_visible:
            self.visible -= 1
            self._leave(message)
        else:
            self.in_flight -= 1
        message.is_visible, message.is_gone = False, True
        del self.by_number[message.number]
        self._removed(message)
        self._look(now)

    def counts(self, now: float) -> tuple[int, int]:
        """Visible and in flight, as SQS says: late, and wrong while anything changes."""
        self.settle(now)
        lag = self.behaviour.count_lag_seconds
        if now - self.changed_at >= lag:
            return self.visible, self.in_flight
        said = self.visible, self.in_flight
        as_of = now - self.rng.uniform(0, lag)
        for at, visible, in_flight in self._looks:
            if at > as_of:
                break
            said = visible, in_flight
        return self._blurred(said[0]), self._blurred(said[1])

    def take(self, wanted: int, *, is_long: bool) -> list[Stored]:
        """Messages that a receive may return, at most so many; hide, remove or put back each."""
        raise NotImplementedError

    def put_back(self, message: Stored) -> None:
        """Not wanted after all."""

    def _enter(self, message: Stored) -> None:
        """A message is new here."""

    def _appear(self, message: Stored) -> None:
        """A message can be received."""
        raise NotImplementedError

    def _leave(self, message: Stored) -> None:
        """A message can't be received any more."""

    def _removed(self, message: Stored) -> None:
        """A message is gone."""

    def _show(self, message: Stored, now: float) -> None:
        message.is_visible = True
        self.visible += 1
        self._appear(message)
        self._look(now)

    def _return_at(self, message: Stored, at: float) -> None:
        message.visible_at = at
        heapq.heappush(self._returns, (at, message.number, message.receives, message))

    def _look(self, now: float) -> None:
        """Remember the counts, once a second, for as long as they may be told."""
        lag = self.behaviour.count_lag_seconds
        self.changed_at = now
        if lag and (not self._looks or now - self._looks[-1][0] >= 1):
            self._looks.append((now, self.visible, self.in_flight))
            while self._looks[0][0] < now - 2 * lag:
                self._looks.popleft()

    def _blurred(self, count: int) -> int:
        return max(0, round(count * (1 + self.behaviour.count_error * self.rng.uniform(-1, 1))))


class StandardQueue(Queue):
    """Messages lie on servers, of which a short poll asks some; none keeps an order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._servers: list[deque[tuple[Stored, int]]] = [
            deque() for _ in range(self.behaviour.servers)
        ]

    def take(self, wanted: int, *, is_long: bool) -> list[Stored]:
        servers = self._servers
        if not is_long and len(servers) > 1:
            asked = max(1, round(len(servers) * self.behaviour.sampled_servers))
            servers = self.rng.sample(servers, asked)
        taken: dict[int, Stored] = {}
        while len(taken) < wanted and (message := self._take_one(servers)):
            taken[message.number] = message
        return list(taken.values())

    def _take_one(self, servers: list[deque[tuple[Stored, int]]]) -> Stored | None:
        while filled := [server for server in servers if server]:
            server = filled[0] if len(filled) == 1 else self.rng.choice(filled)
            message, place = server.popleft()
            if place >= 0:
                if not message.is_visible or message.place != place:
                    continue
                if self._happens(self.behaviour.delivers_twice):
                    self._append(message, _TWICE)
            elif place == _TWICE and message.is_gone:
                continue
            return message
        return None

    def _appear(self, message: Stored) -> None:
        message.place += 1
        self._append(message, message.place)

    def put_back(self, message: Stored) -> None:
        if message.is_visible:
            self._appear(message)

    def _removed(self, message: Stored) -> None:
        if self._happens(self.behaviour.keeps_deleted):
            self._append(message, _DELETED)

    def _append(self, message: Stored, place: int) -> None:
        many = len(self._servers)
        server = self._servers[self.rng.randrange(many) if many > 1 else 0]
        server.append((message, place))

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability


class FifoQueue(Queue):
    """Messages lie in groups; a message in flight holds back what is behind it in its group."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._groups: dict[str, dict[int, Stored]] = {}
        self._in_flight_of: dict[str, int] = {}
        self._free: dict[str, None] = {}

    def take(self, wanted: int, *, is_long: bool) -> list[Stored]:
        del is_long
        taken: list[Stored] = []
        for group in list(itertools.islice(self._free, wanted)):
            room = wanted - len(taken)
            if not room:
                break
            taken += itertools.islice(self._groups[group].values(), room)
        return taken

    def _enter(self, message: Stored) -> None:
        self._groups.setdefault(message.group, {})[message.number] = message
        # Not in flight, but counted so until it is shown.
        self._in_flight_of[message.group] = self._in_flight_of.get(message.group, 0) + 1

    def _appear(self, message: Stored) -> None:
        self._in_flight_of[message.group] -= 1
        self._free_if_all_are_back(message.group)

    def _leave(self, message: Stored) -> None:
        self._in_flight_of[message.group] += 1
        self._free.pop(message.group, None)

    def _removed(self, message: Stored) -> None:
        self._in_flight_of[message.group] -= 1
        del self._groups[message.group][message.number]
        self._free_if_all_are_back(message.group)

    def _free_if_all_are_back(self, group: str) -> None:
        if not self._in_flight_of[group] and self._groups[group]:
            self._free[group] = None
