"""Producer Lambda: invents the stores' customer events and sends them at an even rate."""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger

from batch_sending import CALL_SECONDS, BatchResult, send_batch, split_batches
from connections import Supply, count_connections
from pacing import Clock, pace
from run_request import Request, read_request
from store_messages import Message, generate_messages, to_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from aws_lambda_powertools.utilities.typing import LambdaContext

# Nothing is sent when less of the invocation is left: one call that hangs, and the answer.
RESERVE_SECONDS = CALL_SECONDS + 1

logger = Logger()


@dataclass(kw_only=True)
class RunResult:
    """What became of a run so far; the counts are of messages that SQS accepted."""

    accepted_count: int = 0
    bad_count: int = 0
    unsent_reasons: Counter[str] = field(default_factory=Counter[str])

    def add_batch(self, result: BatchResult, *, bad_ids: AbstractSet[str]) -> None:
        self.accepted_count += len(result.accepted)
        self.bad_count += len(result.accepted & bad_ids)
        self.unsent_reasons.update(result.reasons.values())

    def add_run(self, other: RunResult) -> None:
        self.accepted_count += other.accepted_count
        self.bad_count += other.bad_count
        self.unsent_reasons += other.unsent_reasons

    @property
    def error_message(self) -> str | None:
        total = self.accepted_count + self.unsent_reasons.total()
        if total == 0:
            return f"nothing was sent: less than {RESERVE_SECONDS} s of the invocation were left"
        if not self.unsent_reasons:
            return None
        reasons = ", ".join(f"{why} ({n})" for why, n in self.unsent_reasons.most_common())
        return f"{self.unsent_reasons.total()} of {total} messages could not be sent: {reasons}"


# POWERTOOLS_LOGGER_LOG_EVENT would put the whole event into the log; it can't here.
@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any] | None, context: LambdaContext) -> dict[str, Any]:
    """Send one run of messages to the queue `QUEUE_URL` and count what SQS accepted.

    Args:
        event: see `read_request`; all of it may be left out.
        context: the invocation's context; nothing is sent in its last 5 seconds.

    Returns:
        `statusCode` 200 and, as JSON text in `body`, `message` with `status`, `msg_cnt` (accepted
        messages), `bad_msg` (those of them without `store_id`), `run_id`. When a message could not
        be sent, `status` is false and `error_message` says why; the counts are exact still.

    Raises:
        InvalidEventError: when the event is wrong; nothing has been sent then.
        KeyError: when the function has no `QUEUE_URL`; likewise.
    """
    request = read_request({} if event is None else event)
    clock = Clock()
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    result = send_run(
        request,
        queue_url=os.environ["QUEUE_URL"],
        clock=clock,
        deadline=clock.monotonic() + remaining_seconds - RESERVE_SECONDS,
    )
    message: dict[str, Any] = {
        "status": result.error_message is None,
        "msg_cnt": result.accepted_count,
        "bad_msg": result.bad_count,
        "run_id": request.run_id,
    }
    if result.error_message is not None:
        message["error_message"] = result.error_message
    logger.info("Run ended", extra=message)
    return {"statusCode": 200, "body": json.dumps({"message": message})}


def send_run(request: Request, *, queue_url: str, clock: Clock, deadline: float) -> RunResult:
    """Generate, pace and send one run; ends early when the queue can't be used at all.

    Args:
        request: what to send.
        queue_url: where to; the run is a FIFO queue's when it ends in `.fifo`.
        clock: what the run is paced by.
        deadline: when no further call may begin, in seconds on the monotonic clock.
    """
    # Only a FIFO queue's name has this end: Amazon SQS API Reference, CreateQueue, QueueName.
    is_fifo = queue_url.endswith(".fifo")
    supply = Supply(_due_messages(request, clock=clock, deadline=deadline))

    def send_group(group: Sequence[Message], part: RunResult) -> None:
        unix_seconds = int(clock.unix())
        entries = {
            str(m.seq): to_entry(m, unix_seconds=unix_seconds, is_fifo=is_fifo) for m in group
        }
        bad_ids = {str(message.seq) for message in group if message.is_bad}
        for batch in split_batches(entries):
            result = send_batch(batch, queue_url=queue_url, clock=clock, deadline=deadline)
            part.add_batch(result, bad_ids=bad_ids)
            if not result.is_queue_usable:
                supply.end()

    def send_what_is_due(_: int) -> RunResult:
        part = RunResult()
        try:
            for group in supply:
                send_group(group, part)
        except BaseException:
            # The invocation fails, without counts: the others shall not send on meanwhile.
            supply.end()
            raise
        return part

    connections = count_connections(request, is_fifo=is_fifo)
    whole = RunResult()
    # Each thread counts for itself: to add to a number is several steps to Python.
    with ThreadPoolExecutor(connections) as pool:
        for part in pool.map(send_what_is_due, range(connections)):
            whole.add_run(part)
    return whole


def _due_messages(request: Request, *, clock: Clock, deadline: float) -> Iterator[list[Message]]:
    messages = generate_messages(
        run_id=request.run_id, bad_ratio=request.bad_ratio, seed=request.seed
    )
    for size in pace(request, clock=clock, deadline=deadline):
        yield list(islice(messages, size))
