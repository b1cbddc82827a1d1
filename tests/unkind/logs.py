"""CloudWatch Logs: events come late and out of order, in pages that may be empty."""

import heapq
import itertools
import random
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.unkind.behaviour import Behaviour
from tests.unkind.clock import Clock
from tests.unkind.errors import client_error
from tests.unkind.faults import Faults

Event = tuple[int, float, int, str, str]
"""Timestamp in ms, when it arrived, its number, stream, message: the order of FilterLogEvents."""


class Logs:
    """A client of CloudWatch Logs as boto3 makes it, and the service behind it."""

    def __init__(
        self, clock: Clock, rng: random.Random, behaviour: Behaviour, faults: Faults
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._behaviour = behaviour
        self._faults = faults
        self._numbers = itertools.count()
        self._events: dict[str, list[Event]] = {}
        self._coming: dict[str, list[tuple[float, Event]]] = defaultdict(list)
        self._delay_of: dict[tuple[str, str], float] = {}

    def create_group(self, group: str) -> None:
        """Without it FilterLogEvents is refused."""
        self._events.setdefault(group, [])

    def write(
        self,
        group: str,
        stream: str,
        message: str,
        *,
        at: float | None = None,
        arrives_after: float | None = None,
    ) -> None:
        """Log a line.

        Args:
            group, stream: where; both are created when missing.
            message: the line.
            at: virtual time of the event, default now.
            arrives_after: how many seconds later it can be read; by default what the stream's
                delay is, which is drawn once for each stream.
        """
        self.create_group(group)
        at = self._clock.now if at is None else at
        if arrives_after is None:
            drawn = self._rng.uniform(0, self._behaviour.log_delay_seconds)
            arrives_after = self._delay_of.setdefault((group, stream), drawn)
        arrives_at = at + arrives_after
        event = (int(at * 1000), arrives_at, next(self._numbers), stream, message)
        heapq.heappush(self._coming[group], (arrives_at, event))

    def get_paginator(self, operation: str) -> "Logs":
        """The paginator of the one operation that there is."""
        if operation != "filter_log_events":
            raise AttributeError(f"this world's logs have no {operation}: add it, with its source")
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield page by page until one comes without a token."""
        token: dict[str, Any] = {}
        while True:
            page = self.filter_log_events(**request, **token)
            yield page
            if "nextToken" not in page:
                return
            token = {"nextToken": page["nextToken"]}

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        """One page; the pattern is ignored, so more may come than was asked for."""
        self._clock.wait(self._behaviour.call_seconds)
        with self._clock.lock:
            if fault := self._faults.next("FilterLogEvents", self._clock.now).error:
                raise client_error(fault, "FilterLogEvents", "injected")
            return self._page(request)

    def _page(self, request: dict[str, Any]) -> dict[str, Any]:
        group = request["logGroupName"]
        if group not in self._events:
            words = "The specified log group does not exist."
            raise client_error("ResourceNotFoundException", "FilterLogEvents", words)
        events = self._arrived(group)
        start = bisect_left(events, (request.get("startTime", 0),))
        if token := request.get("nextToken"):
            after = tuple(float(part) for part in token.split("/"))
            start = max(start, bisect_left(events, (after[0], after[1], after[2] + 0.5)))
        if self._rng.random() < self._behaviour.empty_log_pages:
            before = events[start - 1] if start else (-1, 0.0, -1)
            return {"events": [], "nextToken": _token(before)}
        end = min(start + self._behaviour.log_page_events, len(events))
        page: dict[str, Any] = {"events": [_told(event) for event in events[start:end]]}
        if end < len(events):
            page["nextToken"] = _token(events[end - 1])
        return page

    def _arrived(self, group: str) -> list[Event]:
        coming, events = self._coming[group], self._events[group]
        while coming and coming[0][0] <= self._clock.now:
            insort(events, heapq.heappop(coming)[1])
        return events


def _token(event: tuple[Any, ...]) -> str:
    return "/".join(str(part) for part in event[:3])


def _told(event: Event) -> dict[str, Any]:
    at_ms, arrived_at, number, stream, message = event
    return {
        "timestamp": at_ms,
        "ingestionTime": int(arrived_at * 1000),
        "eventId": f"event-{number}",
        "logStreamName": stream,
        "message": message,
    }
