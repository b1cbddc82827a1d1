"""Move messages from a dead-letter queue to where they can be processed, and lose none."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from automation.accounting import Identity
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.hiding import HiddenMessages
from automation.deadletters.journal import Journal
from automation.deadletters.message import MAX_BATCH_ENTRIES, Message, received_message
from automation.deadletters.pacing import Allowance, Pacer
from automation.deadletters.reading import identity_of
from automation.deadletters.sending import Outgoing
from automation.deadletters.transfer import Transfer
from automation.queue_depth import queue_depth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS = 60
"""How long a message is hidden by a run that was killed before it could give it back."""

# Short polling asks a part of SQS's servers, so one empty answer is no proof.
_EMPTY_RECEIVES = 2
_REFUSALS_IN_A_ROW = 100
# Below this a window says nothing about what comes in against what goes out.
_TELLING_MESSAGES = 20
_SHOWN_FAILURES = 20
_REMEMBERED_MESSAGES = 1_000

Ending = Literal["empty", "limit", "interrupted", "refilling", "refused", "failed"]
"""Why a run ended: the source was read to its end, or what came before that."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to move.

    Attributes:
        source_url: the dead-letter queue.
        destination_url: where to; FIFO exactly when the source is.
        wants: says of a message whether it is to be moved; None (default) for all.
        change: returns what to send instead of a message; by default the same with its redrive
            count one higher.
        limit: how many messages at the most; None (default) for no limit.
        messages_per_second: at the most; None (default) for as fast as it goes.
        max_redrives: leave messages alone that were redriven so often, default 3.
        connections: requests at the same time, default 8.
        wait_seconds: long polling of one receive, 0 to 20 s, default 0.
        refill_check_seconds: how often to compare what comes in with what goes out, default 15 s.
    """

    source_url: str
    destination_url: str
    wants: Callable[[Message], bool] | None = None
    change: Callable[[Message], Message] = Message.redriven
    limit: int | None = None
    messages_per_second: float | None = None
    max_redrives: int = 3
    connections: int = 8
    wait_seconds: int = 0
    refill_check_seconds: float = 15


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


def move_messages(
    source: "SQSClient",
    sender: "SQSClient",
    plan: Plan,
    journal: Journal,
    *,
    cancel: threading.Event,
    on_progress: Callable[[Counts], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], object] | None = None,
) -> MoveReport:
    """Receive, send, delete what was accepted; again until the source is empty or told to stop.

    Args:
        source: client for the source; it may repeat its requests.
        sender: client that never repeats a request by itself (`single_attempt_client`).
        plan: what to move.
        journal: of this work; set aside when nothing is left to do.
        cancel: set it to end in order: no message is begun any more, all are given back.
        on_progress: is called after each batch, from any thread.
        clock: Unix time in seconds.
        pause: waits a number of seconds; by default until `cancel` is set, at the longest.

    Raises:
        ClientError, BotoCoreError: a queue can't be worked with; everything was given back as
            far as that was possible, and the journal says what is left.
    """
    run = _Run(source, sender, plan, journal, cancel, on_progress, clock, pause or cancel.wait)
    with contextlib.closing(run):
        return run.run()


class _Run:
    def __init__(
        self,
        source: "SQSClient",
        sender: "SQSClient",
        plan: Plan,
        journal: Journal,
        cancel: threading.Event,
        on_progress: Callable[[Counts], None],
        clock: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._source = source
        self._plan = plan
        self._journal = journal
        self._cancel = cancel
        self._on_progress = on_progress
        self._clock = clock
        self._pause = pause
        self._transfer = Transfer(
            source,
            plan.source_url,
            sender=sender,
            destination_url=plan.destination_url,
            journal=journal,
            pause=pause,
        )
        self._hidden = HiddenMessages(source, plan.source_url, connections=plan.connections)
        self._held = DiskMap()
        self._arrived = DiskMap()
        self._allowance = Allowance(plan.limit)
        self._pacer = Pacer(plan.messages_per_second, pause)
        self._lock = threading.Lock()
        self._counts = Counts()
        self._moved: dict[str, Identity | None] = {}
        self._failures: dict[str, str] = {}
        self._refusals_in_a_row = 0
        self._ended: Ending | None = None
        self._explanation: str | None = None
        self._all_visible_at = (
            journal.last_written_seconds + HIDDEN_SECONDS if journal.is_continued else 0.0
        )

    def close(self) -> None:
        self._hidden.close()
        self._held.close()
        self._arrived.close()

    def run(self) -> MoveReport:
        started = self._clock()
        try:
            self._work_in_threads()
        finally:
            self._hidden.give_back()
        self._stop("interrupted" if self._cancel.is_set() else "empty")
        # Read to the end: what a killed run may have sent is gone, or was sent again.
        was_read_whole = self._ended == "empty" and not self._transfer.not_deleted
        is_settled = was_read_whole or self._journal.is_settled
        if is_settled:
            self._journal.finish()
        return MoveReport(
            counts=self._counts,
            failures=self._failures,
            possible_duplicates=self._journal.possible_duplicates,
            not_deleted=self._transfer.not_deleted,
            moved=self._moved,
            ended=self._ended or "empty",
            explanation=self._explanation,
            continued=self._journal.is_continued,
            journal=None if is_settled else self._journal.path,
            seconds=self._clock() - started,
        )

    def _work_in_threads(self) -> None:
        workers = self._pacer.useful_workers(self._plan.connections)
        with ThreadPoolExecutor(workers, thread_name_prefix="mover") as pool:
            futures = [pool.submit(self._work) for _ in range(workers)]
            try:
                self._watch(futures)
            except BaseException:
                self._stop("failed")
                raise
        for future in futures:
            future.result()

    def _watch(self, futures: Sequence[Future[None]]) -> None:
        """Wait for the workers; stop them when the queue fills faster than it drains."""
        before = (0, 0, 0)
        suspicions = 0
        while True:
            done, left = wait(futures, self._plan.refill_check_seconds, FIRST_EXCEPTION)
            if not left:
                return
            if any(future.exception() for future in done):
                self._stop("failed")
                continue
            depth = queue_depth(self._source, self._plan.source_url).total
            now = (self._counts.moved, self._counts.returned, depth)
            is_first = before == (0, 0, 0)
            suspicions = 0 if is_first or not _refills(before, now) else suspicions + 1
            before = now
            # The counts are approximate, so one look is not enough.
            if suspicions == 2:
                self._stop(
                    "refilling",
                    f"the dead-letter queue fills as fast as it drains ({depth} messages, "
                    f"{now[0]} moved)",
                )

    def _work(self) -> None:
        empty_receives = 0
        while empty_receives < _EMPTY_RECEIVES and not self._is_ending():
            granted = self._allowance.take(self._pacer.batch_messages, self._is_ending)
            if not granted:
                self._stop("limit")
                return
            moved = 0
            try:
                messages = self._receive(granted)
                new = [message for message in messages if not self._is_held(message)]
                moved = self._handle(new, granted)
            finally:
                self._allowance.give_back(granted, used=moved)
            if new:
                empty_receives = 0
                self._on_progress(self._counts)
            elif self._clock() < self._all_visible_at:
                # The killed run had received messages that nobody can see yet.
                self._pause(1)
            else:
                empty_receives += 1

    def _receive(self, granted: int) -> list[Message]:
        deliveries = self._source.receive_message(
            QueueUrl=self._plan.source_url,
            # With a filter most may be unwanted, so the grant says nothing about what to receive.
            MaxNumberOfMessages=MAX_BATCH_ENTRIES if self._plan.wants else granted,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=self._plan.wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        return [received_message(delivery) for delivery in deliveries]

    def _handle(self, messages: Sequence[Message], granted: int) -> int:
        """Move, delete or hold each message of one receive; return how many were moved."""
        ready: list[Message] = []
        try:
            sent_before: list[Message] = []
            for message in messages:
                if self._journal.state(message.message_id) in ("sent", "deleted"):
                    sent_before.append(message)
                elif not self._is_left_alone(message):
                    ready.append(message)
            if sent_before:
                self._transfer.delete(sent_before)
                self._count(deleted_only=len(sent_before))
            self._hold(ready[granted:])
            return self._move(ready[:granted])
        except BaseException:
            self._hold(messages)
            raise

    def _is_held(self, message: Message) -> bool:
        """Whether it was held before and came again, its time of hiding being over."""
        if message.message_id not in self._held:
            return False
        self._hold([message])
        return True

    def _is_left_alone(self, message: Message) -> bool:
        if message.message_id in self._arrived:
            self._count(returned=1)
        elif (message.redrive_count or 0) >= self._plan.max_redrives:
            self._count(replayed=1)
        elif self._plan.wants and not self._plan.wants(message):
            self._count(skipped=1)
        else:
            return False
        self._hold([message])
        return True

    def _move(self, messages: Sequence[Message]) -> int:
        moved = 0
        stopped_groups: set[str | None] = set()
        changed = [self._plan.change(message) for message in messages]
        for batch in self._transfer.batches(changed):
            free = [item for item in batch if item.message.group not in stopped_groups]
            if free:
                self._pacer.wait_for(len(free))
            if not free or self._is_ending():
                self._hold(item.message for item in batch)
                continue
            outcome = self._transfer.move(free)
            self._remember(free, outcome.accepted)
            moved += len(outcome.accepted)
            failures = outcome.refused | outcome.put_off | outcome.unknown
            self._note(outcome.accepted.keys(), failures, messages, changed)
            left = [
                item.message for item in batch if item.message.message_id not in outcome.accepted
            ]
            self._hold(left)
            if self._plan.source_url.endswith(".fifo"):
                stopped_groups.update(message.group for message in left)
        return moved

    def _remember(self, batch: Sequence[Outgoing], accepted: Mapping[str, str]) -> None:
        self._arrived.put([(new_id, "") for new_id in accepted.values()])
        if self._plan.limit and self._plan.limit <= _REMEMBERED_MESSAGES:
            identities = {item.message.message_id: identity_of(item.message) for item in batch}
            with self._lock:
                self._moved.update({new: identities[old] for old, new in accepted.items()})

    def _note(
        self,
        accepted: Set[str],
        failures: Mapping[str, str],
        messages: Sequence[Message],
        changed: Sequence[Message],
    ) -> None:
        uncounted = sum(
            now.message_id in accepted and now.redrive_count == before.redrive_count
            for before, now in zip(messages, changed, strict=True)
        )
        self._count(moved=len(accepted), failed=len(failures), uncounted=uncounted)
        with self._lock:
            for message_id, words in failures.items():
                if len(self._failures) < _SHOWN_FAILURES:
                    self._failures[message_id] = words
            self._refusals_in_a_row = 0 if accepted else self._refusals_in_a_row + len(failures)
            is_hopeless = self._refusals_in_a_row >= _REFUSALS_IN_A_ROW
        if is_hopeless:
            self._stop("refused", f"{_REFUSALS_IN_A_ROW} messages in a row could not be sent")

    def _hold(self, messages: Iterable[Message]) -> None:
        """Keep messages hidden until the run ends: else they would be received over and over."""
        for message in messages:
            self._held.add(message.message_id)
            self._hidden.hold(message.receipt_handle)

    def _count(self, **changes: int) -> None:
        with self._lock:
            values = {key: getattr(self._counts, key) + more for key, more in changes.items()}
            self._counts = dataclasses.replace(self._counts, **values)

    def _stop(self, ended: Ending, explanation: str | None = None) -> None:
        with self._lock:
            if self._ended is None:
                self._ended, self._explanation = ended, explanation

    def _is_ending(self) -> bool:
        return self._ended is not None or self._cancel.is_set()


def _refills(before: tuple[int, int, int], now: tuple[int, int, int]) -> bool:
    """Whether as much came in as went out, from (moved, returned, depth) at two times."""
    moved, returned, deeper = (new - old for new, old in zip(now, before, strict=True))
    # What came back is known exactly; what else came in only by approximate counts.
    return moved >= _TELLING_MESSAGES and max(returned, deeper + moved) >= moved
