"""Lambda's event source mapping: polls a queue, runs a consumer, deletes what it has processed."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.unkind.clock import Clock
from tests.unkind.logs import Logs
from tests.unkind.queue import Queue, Stored
from tests.unkind.sqs import Sqs

Ending = Literal["answer", "raise", "time out", "crash"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A message as the consumer gets it.

    Attributes:
        message_id, body, attributes: as in the queue.
        receives: how often it was received, this time among them.
        group: its message group; empty without one.
    """

    message_id: str
    body: str
    attributes: dict[str, Any]
    receives: int
    group: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a consumer does with a batch.

    Attributes:
        answer: what it returns; None for nothing.
        ending: how it ends; only after an "answer" is that looked at.
        seconds: how long it takes.
        lines: what it logs.
        visible_in: seconds after which a failed message shall be visible, by message id, where the
            consumer changes that.
    """

    answer: Any = None
    ending: Ending = "answer"
    seconds: float = 0.1
    lines: Sequence[str] = ()
    visible_in: dict[str, int] = field(default_factory=dict)


Consumer = Callable[[Sequence[Record]], Run]


def failed_ids(answer: Any, batch: Sequence[str]) -> set[str]:
    """Which messages of a batch a function's answer calls failed, with ReportBatchItemFailures.

    AWS Lambda Developer Guide, "Implementing partial batch responses", "Success and failure
    conditions": nothing and an empty or null list are a complete success; an answer that can't be
    read, an empty, null or unknown id and a bad key name are a complete failure.
    """
    if answer is None or answer in ({}, ""):
        return set()
    if not isinstance(answer, dict):
        return set(batch)
    items = answer.get("batchItemFailures")
    if items is None and set(answer) <= {"batchItemFailures"}:
        return set()
    if not isinstance(items, list):
        return set(batch) if "batchItemFailures" in answer else set()
    ids = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    return set(ids) if all(one in batch for one in ids) else set(batch)


class EventSourceMapping:
    """Polls as soon as there is something, with so many runs at once.

    Args:
        sqs, clock, logs: the world's.
        queue: which to poll.
        consumer: is given a batch.
        batch_size: messages in a batch at the most, default 10; up to 10 here.
        concurrency: runs at once, default 5.
        partial: whether ReportBatchItemFailures is set, default True.
        timeout_seconds: of the function, default 10 s.
        log_group: where it logs; None (default) for nowhere.

    Attributes:
        runs: how many there were.
        outrun: ids of messages that were received again, or given up, before their run had ended.
        is_enabled: a mapping that isn't polls nothing more.
    """

    def __init__(
        self,
        sqs: Sqs,
        clock: Clock,
        logs: Logs,
        queue: Queue,
        consumer: Consumer,
        *,
        batch_size: int = 10,
        concurrency: int = 5,
        partial: bool = True,
        timeout_seconds: float = 10.0,
        log_group: str | None = None,
    ) -> None:
        self._sqs = sqs
        self._clock = clock
        self._logs = logs
        self._queue = queue
        self._consumer = consumer
        self._batch_size = batch_size
        self._partial = partial
        self._timeout_seconds = timeout_seconds
        self._log_group = log_group
        self._idle = list(range(concurrency))
        self._request_ids = itertools.count()
        self._next_look_at: float | None = None
        self.runs = 0
        self.outrun: set[str] = set()
        self.is_enabled = True
        if log_group:
            logs.create_group(log_group)
        sqs.watchers.append(self._got)
        self._got(queue)

    def look(self) -> None:
        """Poll now, after it was switched on."""
        self._look_at(self._clock.now)

    def _got(self, queue: Queue) -> None:
        if queue is self._queue:
            self._look_at(self._clock.now)

    def _look_at(self, when: float) -> None:
        if self._next_look_at is None or when < self._next_look_at:
            self._next_look_at = when
            self._clock.at(when, lambda: self._look(when))

    def _look(self, when: float) -> None:
        if self._next_look_at != when:
            return
        self._next_look_at = None
        while self.is_enabled and self._idle and (batch := self._receive()):
            self._run(batch)
        self._queue.settle(self._clock.now)
        if self._idle and (at := self._queue.next_return_at()) is not None:
            self._look_at(at)

    def _receive(self) -> list[tuple[Stored, str]]:
        # Lambda polls with long polling, so what there is comes.
        answer = self._sqs.receive_message(
            QueueUrl=self._queue.url, MaxNumberOfMessages=self._batch_size, WaitTimeSeconds=20
        )
        return [
            (self._sqs.received(delivery["ReceiptHandle"]), delivery["ReceiptHandle"])
            for delivery in answer.get("Messages", [])
        ]

    def _run(self, batch: list[tuple[Stored, str]]) -> None:
        worker = self._idle.pop(0)
        self.runs += 1
        records = [
            Record(
                message_id=message.message_id,
                body=message.body,
                attributes=message.attributes,
                receives=message.receives,
                group=message.group,
            )
            for message, _ in batch
        ]
        run = self._consumer(records)
        is_late = run.ending == "time out" or run.seconds > self._timeout_seconds
        seconds = self._timeout_seconds if is_late else run.seconds
        ending: Ending = "time out" if is_late else run.ending
        ends_at = self._clock.now + seconds
        self._clock.at(ends_at, lambda: self._end(worker, batch, run, ending))

    def _end(self, worker: int, batch: list[tuple[Stored, str]], run: Run, ending: Ending) -> None:
        self._log(worker, run, ending)
        ids = [message.message_id for message, _ in batch]
        failed = set(ids)
        if ending == "answer":
            failed = failed_ids(run.answer, ids) if self._partial else set()
        for message, receipt in batch:
            if message.message_id not in failed:
                if not self._sqs.delete_processed(self._queue, message, receipt):
                    self.outrun.add(message.message_id)
            elif (seconds := run.visible_in.get(message.message_id)) is not None:
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._queue.url,
                    Entries=[{"Id": "0", "ReceiptHandle": receipt, "VisibilityTimeout": seconds}],
                )
        self._idle.append(worker)
        self._look_at(self._clock.now)

    def _log(self, worker: int, run: Run, ending: Ending) -> None:
        if self._log_group is None:
            return
        request_id = f"request-{next(self._request_ids)}"
        own = {
            "answer": [],
            "raise": [f"[ERROR] ValueError: injected\nRequestId: {request_id}"],
            "time out": [f"{request_id} Task timed out after {self._timeout_seconds:.2f} seconds"],
            "crash": [
                f"RequestId: {request_id} Error: Runtime exited with error: signal: killed\n"
                "Runtime.ExitError"
            ],
        }[ending]
        start = [f"START RequestId: {request_id} Version: $LATEST"]
        for line in (*start, *run.lines, *own, f"REPORT RequestId: {request_id}"):
            self._logs.write(self._log_group, f"stream-{worker}", line)
