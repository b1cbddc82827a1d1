"""What the consumer's file says was done to each message, and where each must end by that."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation.proof.line_account import Found
from automation.waiting import wait_until


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message in a run of the consumer.

    Attributes:
        message_id, receives, at: which, how often it was received, and when as Unix time.
        worked: the run came so far that the consumer has logged what it has processed.
        failed: and this message was none of it.
        ended: the run gave its answer.
        release: of the consumer's code.
    """

    message_id: str
    receives: int
    at: float
    worked: bool
    failed: bool
    ended: bool
    release: str

    @property
    def is_done(self) -> bool:
        return self.ended and not self.failed


@dataclass
class _Run:
    began: dict[str, Any] = field(default_factory=dict[str, Any])
    failed: list[str] | None = None
    has_ended: bool = False


class Witness:
    """The file that the consumers of one queue write into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def notes(self, what: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.path.read_text().splitlines())
        return [line for line in lines if line["what"] == what]

    def deliveries(self) -> list[Delivery]:
        runs: defaultdict[str, _Run] = defaultdict(_Run)
        for note in self.notes("began"):
            runs[note["run"]].began = note
        for note in self.notes("worked"):
            runs[note["run"]].failed = note["failed"]
        for note in self.notes("ended"):
            runs[note["run"]].has_ended = True
        return [
            Delivery(
                message_id=message_id,
                receives=receives,
                at=run.began["at"],
                worked=run.failed is not None,
                failed=message_id in (run.failed or ()),
                ended=run.has_ended,
                release=run.began["release"],
            )
            for run in runs.values()
            # A run of the proof before may still come to its end.
            for message_id, receives in run.began.get("messages", ())
        ]

    def of_messages(self) -> dict[str, list[Delivery]]:
        found: defaultdict[str, list[Delivery]] = defaultdict(list)
        for delivery in self.deliveries():
            found[delivery.message_id].append(delivery)
        return found

    def wait_for(self, what: str, holds: Callable[["Witness"], bool]) -> None:
        """Until it tells of something.

        Raises:
            StillWaitingError: it did not within 30 s.
        """
        wait_until(
            what,
            lambda: (holds(self), len(self.deliveries())),
            timeout_seconds=30,
            interval_seconds=0.02,
        )

    def unended(self) -> int:
        """How many runs gave no answer."""
        return len(self.notes("began")) - len(self.notes("ended"))

    def doubled(self) -> int:
        """How many deliveries beyond the first the consumer has processed and logged."""
        logged = Counter(
            one.message_id for one in self.deliveries() if one.worked and not one.failed
        )
        return sum(logged.values()) - len(logged)


def end_by_law(deliveries: list[Delivery], max_receives: int) -> Found:
    """Where a message must be: nothing is dead-lettered that didn't fail so often, nothing lost.

    Args:
        deliveries: of the message, all of them.
        max_receives: after how many SQS gives it up.
    """
    is_logged = any(one.worked and not one.failed for one in deliveries)
    if any(one.is_done for one in deliveries):
        return "processed"
    if len(deliveries) < max_receives:
        return "processed" if is_logged else "unknown"
    return "both" if is_logged else "dead-lettered"
