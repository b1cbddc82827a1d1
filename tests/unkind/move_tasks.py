"""SQS's own redrive: a task that moves a dead-letter queue's messages while time passes."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.unkind.behaviour import Behaviour
from tests.unkind.clock import Clock
from tests.unkind.errors import client_error
from tests.unkind.queue import Queue, stored

if TYPE_CHECKING:
    from tests.unkind.sqs import Sqs

_MOST_PER_SECOND = 500
_ONE_RUNS = (
    "There is already a task running. Only one active task is allowed for a source queue arn at a "
    "given time."
)


@dataclass(eq=False)
class Task:
    """One move task.

    Attributes:
        handle: SQS's.
        source, destination: queues; no destination sends each message where it came from.
        rate: messages per second, as asked for; None when SQS chose it.
        to_move: how many there were at the start.
        moved: so far.
        status: as SQS says.
        failure: why it failed.
    """

    handle: str
    source: Queue
    destination: Queue | None
    rate: int | None
    started_at: float
    to_move: int
    moved: int = 0
    status: str = "RUNNING"
    failure: str | None = None

    def listed(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "SourceArn": self.source.arn,
            "StartedTimestamp": int(self.started_at * 1000),
            "Status": self.status,
        }
        optional = {
            "DestinationArn": self.destination.arn if self.destination else None,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "FailureReason": self.failure,
            # Only for a task that runs: SQS API Reference, ListMessageMoveTasks.
            "TaskHandle": self.handle if self.status == "RUNNING" else None,
        }
        return {**entry, **{key: value for key, value in optional.items() if value is not None}}


class MoveTasks:
    """All move tasks of a service."""

    def __init__(self, sqs: "Sqs", clock: Clock, behaviour: Behaviour) -> None:
        self._sqs = sqs
        self._clock = clock
        self._behaviour = behaviour
        self._tasks: list[Task] = []
        self._handles = itertools.count()

    def start(self, **request: Any) -> dict[str, Any]:
        source = self._queue(request["SourceArn"], "SourceArn")
        target = request.get("DestinationArn")
        destination = self._queue(target, "DestinationArn") if target else None
        rules = [queue.dead_letter_rule for queue in self._sqs.queues.values()]
        if source.arn not in [rule[0] for rule in rules if rule]:
            raise client_error(
                "InvalidParameterValue",
                "StartMessageMoveTask",
                "Source queue must be configured as a Dead Letter Queue.",
            )
        if any(task.source is source and task.status == "RUNNING" for task in self._tasks):
            code = self._behaviour.running_task_error
            raise client_error(code, "StartMessageMoveTask", _ONE_RUNS)
        source.settle(self._clock.now)
        task = Task(
            f"task-{next(self._handles)}",
            source,
            destination,
            request.get("MaxNumberOfMessagesPerSecond"),
            self._clock.now,
            to_move=source.visible,
        )
        self._tasks.append(task)
        self._clock.at(self._clock.now + 1, lambda: self._work(task))
        return {"TaskHandle": task.handle}

    def list(self, **request: Any) -> dict[str, Any]:
        source = self._queue(request["SourceArn"], "SourceArn")
        visible_from = self._clock.now - self._behaviour.task_listed_after_seconds
        tasks = [t for t in self._tasks if t.source is source and t.started_at <= visible_from]
        if not self._behaviour.lists_oldest_task_first:
            tasks.reverse()
        return {"Results": [task.listed() for task in tasks[: request.get("MaxResults", 1)]]}

    def cancel(self, **request: Any) -> dict[str, Any]:
        task = next((t for t in self._tasks if t.handle == request["TaskHandle"]), None)
        if task is None or task.status != "RUNNING":
            words = "Task does not exist." if task is None else "Only active tasks can be cancelled"
            raise client_error("ResourceNotFoundException", "CancelMessageMoveTask", words)
        task.status = "CANCELLING"
        return {"ApproximateNumberOfMessagesMoved": task.moved}

    def _queue(self, arn: str, parameter: str) -> Queue:
        queue = self._sqs.by_arn(arn)
        if queue is None:
            raise client_error(
                "ResourceNotFoundException",
                "StartMessageMoveTask",
                f"The resource that you specified for the {parameter} parameter doesn't exist.",
            )
        return queue

    def _work(self, task: Task) -> None:
        """Move what is moved within a second."""
        if task.status == "CANCELLING":
            task.status = "CANCELLED"
            return
        if self._behaviour.task_moves_nothing:
            task.status = "COMPLETED"
            return
        task.source.settle(self._clock.now)
        taken = task.source.take(task.rate or _MOST_PER_SECOND, is_long=True)
        for number, message in enumerate(taken):
            target = task.destination or self._sqs.by_arn(
                message.system.get("DeadLetterQueueSourceArn", "")
            )
            if task.moved == self._behaviour.task_fails_after or target is None:
                task.status = "FAILED"
                task.failure = "AWS.SimpleQueueService.NonExistentQueue"
                for left in taken[number:]:
                    task.source.put_back(left)
                return
            self._move(task, message, target)
        if task.source.visible:
            self._clock.at(self._clock.now + 1, lambda: self._work(task))
        else:
            task.status = "COMPLETED"

    def _move(self, task: Task, message: Any, target: Queue) -> None:
        now = self._clock.now
        task.source.remove(message, now)
        kept = ("MessageGroupId", "MessageDeduplicationId", "AWSTraceHeader", "SenderId")
        system = {name: message.system[name] for name in kept if name in message.system}
        system["SentTimestamp"] = str(int(now * 1000))
        # Developer Guide, "Dead-letter queue redrive": a new message id, a new retention period.
        new = stored(self._sqs.new_id(), message.body, message.attributes, system, now)
        target.add(new, now)
        task.moved += 1
        for watcher in self._sqs.watchers:
            watcher(target)
