"""Move messages from a dead-letter queue to where they can be processed, and lose none."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from automation.aws.queue_depth import queue_depth
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.journal import Journal
from automation.deadletters.message import MAX_BATCH_ENTRIES, Message
from automation.deadletters.move_plan import Counts, Ending, MoveReport, Plan
from automation.deadletters.move_tally import MoveTally, RefillWatch
from automation.deadletters.pacing import Allowance, Pacer
from automation.deadletters.receiving import IN_FLIGHT_QUOTA, EmptyTwice, Received, Sweep
from automation.deadletters.transfer import Transfer
from automation.waiting import steady_seconds
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def move_messages(
    source: "SQSClient",
    sender: "SQSClient",
    plan: Plan,
    journal: Journal,
    *,
    cancel: threading.Event,
    on_progress: Callable[[Counts], None] = lambda _: None,
    clock: Callable[[], float] = steady_seconds,
    pause: Callable[[float], object] | None = None,
) -> MoveReport:
    """Receive, send, delete what was accepted; again until the source is empty or told to stop.

    Args:
        source: client for the source; it may repeat its requests.
        sender: client that never repeats a request by itself (`Clients.sender`).
        plan: what to move.
        journal: of this work; set aside when nothing is left to do.
        cancel: set it to end in order: no message is begun any more, all are given back.
        on_progress: is called after each batch, from any thread.
        clock: seconds.
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
        self._sweep = Sweep(
            source,
            plan.source_url,
            wait_seconds=plan.wait_seconds,
            hidden_seconds=plan.hidden_seconds,
            connections=plan.connections,
            clock=clock,
        )
        self._arrived = DiskMap()
        self._allowance = Allowance(plan.limit)
        self._pacer = Pacer(plan.messages_per_second, pause)
        self._tally = MoveTally(plan.limit)
        if journal.is_continued:
            # The killed run had received messages that nobody can see yet.
            left_seconds = journal.hidden_seconds - journal.written_seconds_ago
            self._sweep.hidden_until = clock() + left_seconds

    def close(self) -> None:
        self._sweep.close()
        self._arrived.close()

    def run(self) -> MoveReport:
        started = self._clock()
        self._journal.hidden(self._sweep.hidden_seconds)
        try:
            self._work_in_threads()
        finally:
            self._sweep.give_back()
        self._tally.end(*self._ending())
        # Read to the end: what a killed run may have sent is gone, or was sent again. Of what this
        # run may have sent, without knowing, the next has to know.
        was_read_whole = self._tally.ended == "empty" and not (
            self._transfer.not_deleted or self._tally.unknown
        )
        is_settled = was_read_whole or self._journal.is_settled
        if is_settled:
            self._journal.finish()
        return MoveReport(
            counts=self._tally.counts,
            failures=self._tally.failures,
            possible_duplicates=self._journal.possible_duplicates,
            not_deleted=self._transfer.not_deleted,
            moved=self._tally.moved,
            ended=self._tally.ended or "empty",
            explanation=self._tally.explanation,
            continued=self._journal.is_continued,
            journal=None if is_settled else self._journal.path,
            seconds=self._clock() - started,
        )

    def _ending(self) -> tuple[Ending, str | None]:
        if self._cancel.is_set():
            return "interrupted", None
        if self._sweep.is_whole:
            return "empty", None
        return "crowded", (
            f"more messages are to be left alone than SQS hides at once ({IN_FLIGHT_QUOTA}), so "
            "some may have been missed: run it again to see, or move everything"
        )

    def _work_in_threads(self) -> None:
        workers = self._pacer.useful_workers(self._plan.connections)
        with ThreadPoolExecutor(workers, thread_name_prefix="mover") as pool:
            futures = [pool.submit(self._work) for _ in range(workers)]
            try:
                self._watch(futures)
            except BaseException:
                self._tally.end("failed")
                raise
        for future in futures:
            future.result()

    def _watch(self, futures: Sequence[Future[None]]) -> None:
        """Wait for the workers; stop them when the queue fills faster than it drains."""
        refill = RefillWatch()
        while True:
            done, left = wait(futures, self._plan.refill_check_seconds, FIRST_EXCEPTION)
            if not left:
                return
            if any(future.exception() for future in done):
                # The others come to their end now; waiting for them here would return at once,
                # over and over, because one has failed.
                self._tally.end("failed")
                return
            depth = queue_depth(self._source, self._plan.source_url).total
            counts = self._tally.counts
            if refill.is_refilling(counts, depth):
                self._tally.end(
                    "refilling",
                    f"the dead-letter queue fills as fast as it drains ({depth} messages, "
                    f"{counts.moved} moved)",
                )

    def _work(self) -> None:
        end = EmptyTwice()
        while not self._is_ending():
            granted = self._allowance.take(self._pacer.batch_messages, self._is_ending)
            if not granted:
                self._tally.end("limit")
                return
            moved = 0
            try:
                received = self._receive(granted)
                moved = self._handle(received, granted)
            finally:
                self._allowance.give_back(granted, used=moved)
            if received.messages:
                self._on_progress(self._tally.counts)
            elif received.is_empty and self._sweep.hides_unseen:
                if self._sweep.wait_for_unseen(self._pause, self._is_ending):
                    continue
                return
            if end.is_reached(is_empty=received.is_empty):
                return

    def _receive(self, granted: int) -> Received:
        # With a filter most may be unwanted, so the grant says nothing about what to receive.
        received = self._sweep.receive(MAX_BATCH_ENTRIES if self._plan.wants else granted)
        self._journal.hidden(self._sweep.hidden_seconds)
        return received

    def _handle(self, received: Received, granted: int) -> int:
        """Move, delete, hold or give back each message of one receive; return how many moved."""
        messages = received.messages
        try:
            ready = self._not_left_alone(self._not_sent_before(messages))
            # It is another turn's, or another worker's: held, it would be missed.
            self._sweep.give_back_now(ready[granted:])
            return self._move(ready[:granted], received.fresh_until)
        except BaseException:
            self._sweep.hold(messages)
            raise

    def _not_sent_before(self, messages: Sequence[Message]) -> list[Message]:
        """Those that are still to be sent; the others only to be deleted, which is done."""
        states = self._journal.states([message.message_id for message in messages])
        sent = [m for m in messages if states.get(m.message_id) in ("sent", "deleted")]
        if not sent:
            return list(messages)
        self._transfer.delete(sent)
        self._tally.count(deleted_only=len(sent))
        return [message for message in messages if message not in sent]

    def _not_left_alone(self, messages: Sequence[Message]) -> list[Message]:
        """Those to be moved; the others are counted by the reason why not, and held."""
        ready: list[Message] = []
        arrived = self._arrived.get_all([message.message_id for message in messages])
        for message in messages:
            if message.message_id in arrived:
                self._tally.count(returned=1)
            elif (message.redrive_count or 0) >= self._plan.max_redrives:
                self._tally.count(replayed=1)
            elif self._plan.wants and not self._plan.wants(message):
                self._tally.count(skipped=1)
            else:
                ready.append(message)
                continue
            self._sweep.hold([message])
        return ready

    def _move(self, messages: Sequence[Message], fresh_until: float) -> int:
        moved = 0
        stopped_groups: set[str | None] = set()
        changed = [self._plan.changed(message) for message in messages]
        uncounted = {
            now.message_id
            for before, now in zip(messages, changed, strict=True)
            if now.redrive_count == before.redrive_count
        }
        batches = self._transfer.batches(changed)
        for number, batch in enumerate(batches):
            free = [item for item in batch if item.message.group not in stopped_groups]
            if free:
                self._pacer.wait_for(len(free))
            if self._clock() > fresh_until:
                # Somebody else may have received them by now; they will come again.
                self._sweep.give_back_now(
                    [item.message for left in batches[number:] for item in left]
                )
                break
            if not free or self._is_ending():
                self._sweep.hold(item.message for item in batch)
                continue
            outcome = self._transfer.move(free)
            self._arrived.put(dict.fromkeys(outcome.accepted.values(), ""))
            self._tally.note([item.message for item in free], outcome, uncounted)
            moved += len(outcome.accepted)
            left = [
                item.message for item in batch if item.message.message_id not in outcome.accepted
            ]
            self._sweep.hold(left)
            if limits.is_fifo(self._plan.source_url):
                stopped_groups.update(message.group for message in left)
        return moved

    def _is_ending(self) -> bool:
        return self._tally.ended is not None or self._cancel.is_set()
