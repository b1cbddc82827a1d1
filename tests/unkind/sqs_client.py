"""A client of SQS as boto3 makes it: requests travel, fail, and are repeated or not."""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.unkind.behaviour import Behaviour
from tests.unkind.clock import Clock
from tests.unkind.errors import NETWORK_FAILURES
from tests.unkind.faults import Fault, Faults, Killed, Steps
from tests.unkind.sqs import Sqs, failure

# What botocore repeats (Boto3 Guide, "Retries", legacy mode); a client may be told not to.
_REPEATED = re.compile(
    "RequestThrottled|Throttling|ThrottlingException|RequestLimitExceeded|InternalFailure|"
    "InternalError|ServiceUnavailable"
)
_OPERATIONS = (
    "cancel_message_move_task",
    "change_message_visibility_batch",
    "create_queue",
    "delete_message_batch",
    "delete_queue",
    "get_queue_attributes",
    "list_message_move_tasks",
    "purge_queue",
    "receive_message",
    "send_message",
    "send_message_batch",
    "set_queue_attributes",
    "start_message_move_task",
)
# How often a long poll looks again while it waits.
_LOOK_SECONDS = 1.0


class SqsClient:
    """The calls that this project makes, by the names that boto3 gives them.

    Args:
        sqs: the service.
        clock: the world's.
        behaviour: how long a request takes.
        faults: what requests meet.
        steps: where the process is killed.
        attempts: how often a request is made at the most; boto3's default is 5, 1 is a client that
            never repeats by itself.
    """

    def __init__(
        self,
        sqs: Sqs,
        clock: Clock,
        behaviour: Behaviour,
        faults: Faults,
        steps: Callable[[], Steps],
        *,
        attempts: int,
    ) -> None:
        self._sqs = sqs
        self._clock = clock
        self._behaviour = behaviour
        self._faults = faults
        self._steps = steps
        self._attempts = attempts
        self.requests: dict[str, int] = {}

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name not in _OPERATIONS:
            raise AttributeError(f"this world's SQS has no {name}: add it, with its source")

        def call(**request: Any) -> dict[str, Any]:
            return self._call(name, request)

        return call

    def _call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        operation = name.title().replace("_", "")
        for attempt in range(1, self._attempts + 1):
            try:
                answer = self._attempt(name, operation, request)
            except Exception as error:
                if attempt == self._attempts or not _is_repeated(error):
                    raise
                # At most 20 s; the mean of a full jitter.
                self._clock.wait(min(20.0, 2.0 ** (attempt - 1)) / 2)
            else:
                return {**answer, "ResponseMetadata": {"RetryAttempts": attempt - 1}}
        raise AssertionError("unreachable")

    def _attempt(self, name: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self._steps().step()
        self._clock.wait(self._behaviour.call_seconds / 2)
        with self._clock.lock:
            if self._steps().is_dead:
                raise Killed
            self.requests[operation] = self.requests.get(operation, 0) + 1
            fault = self._faults.next(operation, self._clock.now)
            if fault.error and not fault.after:
                raise fault.exception(operation)
            answer = self._served(name, request, fault)
        if operation == "ReceiveMessage":
            answer = self._long_polled(answer, request)
        self._steps().step()
        self._clock.wait(self._behaviour.call_seconds / 2)
        if fault.error:
            raise fault.exception(operation)
        return answer

    def _served(self, name: str, request: dict[str, Any], fault: Fault) -> dict[str, Any]:
        if not fault.failing_entries or "Entries" not in request:
            return getattr(self._sqs, name)(**request)
        entries = list(enumerate(request["Entries"]))
        good = [entry for number, entry in entries if number not in fault.failing_entries]
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        if good:
            answer = getattr(self._sqs, name)(**{**request, "Entries": good})
        answer["Failed"] += [
            failure(entry["Id"], fault.entry_code, "injected", sender_fault=fault.sender_fault)
            for number, entry in entries
            if number in fault.failing_entries
        ]
        return answer

    def _long_polled(self, answer: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        """Wait for a message, as long as was asked for."""
        until = self._clock.now + request.get("WaitTimeSeconds", 0)
        while not answer and self._clock.now < until:
            self._clock.wait(min(_LOOK_SECONDS, until - self._clock.now))
            with self._clock.lock:
                answer = self._sqs.receive_message(**request)
        return answer


def _is_repeated(error: Exception) -> bool:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return bool(_REPEATED.fullmatch(code))
    return type(error).__name__ in NETWORK_FAILURES.keys() - {"NoCredentialsError"}
