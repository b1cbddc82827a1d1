"""What a redrive has done so far and why it ends, counted by several threads."""

import dataclasses
import threading
from collections.abc import Sequence, Set

from automation.aws.consumer_log import Identity
from automation.deadletters.message import Message, identity_of
from automation.deadletters.move_plan import Counts, Ending
from automation.deadletters.send_batch import Outcome

_REFUSALS_IN_A_ROW = 100
_SHOWN_FAILURES = 20
_REMEMBERED_MESSAGES = 1_000


class MoveTally:
    """Counts, failures and the first reason to end; any thread may add to them.

    Args:
        limit: the run's, in messages; up to 1,000 moved ones are remembered, more are not.

    Attributes:
        counts: how far the run is.
        failures: ids of the first messages that SQS would not take, each with its words.
        moved: what was moved, by the id that SQS gave it; empty when it isn't remembered.
        unknown: ids of messages that SQS may have taken, without an answer.
        ended: why the run ends; None while it goes on.
        explanation: the same in words, where there is more to say.
    """

    def __init__(self, limit: int | None) -> None:
        self.counts = Counts()
        self.failures: dict[str, str] = {}
        self.moved: dict[str, Identity | None] = {}
        self.unknown: set[str] = set()
        self.ended: Ending | None = None
        self.explanation: str | None = None
        self._remembers = bool(limit and limit <= _REMEMBERED_MESSAGES)
        self._refusals_in_a_row = 0
        self._lock = threading.Lock()

    def count(self, **changes: int) -> None:
        """Add to the counts of these names."""
        with self._lock:
            values = {key: getattr(self.counts, key) + more for key, more in changes.items()}
            self.counts = dataclasses.replace(self.counts, **values)

    def end(self, ended: Ending, explanation: str | None = None) -> None:
        """Say why the run ends; the first reason counts."""
        with self._lock:
            if self.ended is None:
                self.ended, self.explanation = ended, explanation

    def note(self, sent: Sequence[Message], outcome: Outcome, uncounted: Set[str]) -> None:
        """Count what became of messages that were sent.

        Args:
            sent: the messages, as they were sent.
            outcome: what became of each.
            uncounted: ids of those that carry no redrive count; others may be among them.
        """
        accepted = outcome.accepted
        failures = outcome.refused | outcome.put_off | outcome.unknown
        self.count(
            moved=len(accepted),
            failed=len(failures),
            uncounted=len(uncounted & accepted.keys()),
        )
        identities: dict[str, Identity | None] = {}
        if self._remembers:
            identities = {
                accepted[message.message_id]: identity_of(message)
                for message in sent
                if message.message_id in accepted
            }
        with self._lock:
            self.moved.update(identities)
            self.unknown.update(outcome.unknown)
            for message_id, words in failures.items():
                if len(self.failures) < _SHOWN_FAILURES:
                    self.failures[message_id] = words
            self._refusals_in_a_row = 0 if accepted else self._refusals_in_a_row + len(failures)
            is_hopeless = self._refusals_in_a_row >= _REFUSALS_IN_A_ROW
        if is_hopeless:
            self.end("refused", f"{_REFUSALS_IN_A_ROW} messages in a row could not be sent")


# Below this a window says nothing about what comes in against what goes out.
_TELLING_MESSAGES = 20


# Two counts may be apart by a fifth and mean the same: each may be wrong by a tenth
# (docs/fidelity.md, "SQS").
_TELLING_SHARE = 0.25


# Where counts lag behind, the second of two looks is told of what went out before the first.
_TELLING_LOOKS = 2


class RefillWatch:
    """Compares what came in with what went out, from one telling look to the next.

    Looks have to be as far apart as counts may lag behind.
    """

    def __init__(self) -> None:
        self._before: tuple[int, int, int] | None = None
        self._looks_in_a_row = 0

    def is_refilling(self, counts: Counts, depth: int) -> bool:
        """Take a look; return whether two in a row have found as much coming in as going out.

        Args:
            counts: what the run has done so far.
            depth: how many messages are in the queue, hidden ones included.
        """
        now = (counts.moved, counts.returned, depth)
        if self._before is None:
            self._before = now
            return False
        is_suspicious = _refills(self._before, now)
        if is_suspicious is None:
            return False
        self._before = now
        self._looks_in_a_row = self._looks_in_a_row + 1 if is_suspicious else 0
        return self._looks_in_a_row >= _TELLING_LOOKS


def _refills(before: tuple[int, int, int], now: tuple[int, int, int]) -> bool | None:
    """Whether as much came in as went out, from (moved, returned, depth) at two times.

    None when that can't be told yet.
    """
    moved, returned, deeper = (new - old for new, old in zip(now, before, strict=True))
    if moved < _TELLING_MESSAGES:
        return None
    # What came back is known exactly; what else came in only by approximate counts.
    if returned >= moved:
        return True
    if moved < _TELLING_SHARE * max(before[2], now[2]):
        return None
    return deeper >= 0
