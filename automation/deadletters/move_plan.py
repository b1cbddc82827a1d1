"""What a redrive is asked to do, and what it reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from automation.aws.consumer_log import Identity
from automation.deadletters.message import MAX_BYTES, Message
from automation.deadletters.receiving import HIDDEN_SECONDS

Ending = Literal["empty", "crowded", "limit", "interrupted", "refilling", "refused", "failed"]
"""Why a run ended: the source was read to its end, as far as its in-flight quota lets one see, or
what came before that."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to move.

    Attributes:
        source_url: the dead-letter queue.
        destination_url: where to; FIFO exactly when the source is.
        wants: says of a message whether it is to be moved; None (default) for all.
        change: returns what to send instead of a message; None (default) for the same with its
            redrive count one higher, where that fits.
        max_bytes: what the destination takes of one message, default SQS's limit.
        limit: how many messages at the most; None (default) for no limit.
        messages_per_second: at the most; None (default) for as fast as it goes.
        max_redrives: leave messages alone that were redriven so often, default 3.
        connections: requests at the same time, default 8.
        wait_seconds: long polling of one receive, 0 to 20 s, default 0.
        hidden_seconds: how long to hide a message, default 60 s; those that stay are hidden for
            longer when the run takes longer.
        refill_check_seconds: how often to compare what comes in with what goes out, default 15 s;
            not more often than counts may lag behind.
    """

    source_url: str
    destination_url: str
    wants: Callable[[Message], bool] | None = None
    change: Callable[[Message], Message] | None = None
    max_bytes: int = MAX_BYTES
    limit: int | None = None
    messages_per_second: float | None = None
    max_redrives: int = 3
    connections: int = 8
    wait_seconds: int = 0
    hidden_seconds: int = HIDDEN_SECONDS
    refill_check_seconds: float = 15

    def changed(self, message: Message) -> Message:
        """What to send instead of a message."""
        return self.change(message) if self.change else message.redriven(self.max_bytes)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How far a run is, in messages.

    Attributes:
        moved: sent, accepted, and deleted where they were.
        deleted_only: an earlier run had sent them already.
        skipped: not wanted.
        replayed: left alone, because they were redriven too often already.
        returned: moved by this run and back again; left alone.
        failed: SQS would not take them.
        uncounted: moved without a redrive count, which they have no room for.
    """

    moved: int = 0
    deleted_only: int = 0
    skipped: int = 0
    replayed: int = 0
    returned: int = 0
    failed: int = 0
    uncounted: int = 0


@dataclass(frozen=True, kw_only=True)
class MoveReport:
    """What a run did.

    Attributes:
        counts: in messages.
        failures: ids of the first messages that SQS would not take, each with its words.
        possible_duplicates: ids of messages that were sent twice, perhaps: a run was killed, or
            an answer got lost, between the sending and the knowing.
        not_deleted: ids of messages that were sent and are still in the source; the next run
            deletes them there.
        moved: with a limit of at most 1,000, what was moved, by the id that SQS gave it:
            (run_id, seq). Empty otherwise.
        ended: why.
        explanation: the same in words, where there is more to say.
        continued: it went on with what a killed or stopped run had left.
        journal: the file with what is left to do; None when nothing is.
        seconds: how long it took.
    """

    counts: Counts
    failures: Mapping[str, str]
    possible_duplicates: tuple[str, ...]
    not_deleted: tuple[str, ...]
    moved: Mapping[str, Identity | None]
    ended: Ending
    explanation: str | None
    continued: bool
    journal: Path | None
    seconds: float
