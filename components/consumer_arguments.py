"""What the function that a queue feeds may be asked for, and how it is fed.

Wrong arguments raise `LimitError` as those in `arguments` do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from . import limits
from .function import PythonFunctionArgs
from .kinds import check_kinds, check_known
from .unknowns import holds_outputs, is_late


@dataclass(frozen=True, kw_only=True)
class ExistingFunctionArgs:
    """A function that is there already, or is created elsewhere in the program.

    function_arn: which one: its ARN, or where it is in the queue's account and region its name. It
        should answer which messages of a batch failed.
    role_name: name of its role, which gets what it needs of the queue.
    timeout_seconds: its timeout, from which the visibility timeout is derived; when it isn't known
        at preview, it is checked at deployment.
    reserved_concurrency: what it has reserved, if it has.
    log_group_name: where it logs; by default `/aws/lambda/` and its name.
    """

    function_arn: pulumi.Input[str]
    role_name: pulumi.Input[str]
    timeout_seconds: pulumi.Input[int]
    reserved_concurrency: int | None = None
    log_group_name: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        check_known("function_arn", self.function_arn, limits.check_function)
        check_known("role_name", self.role_name, limits.check_role_name)
        check_known("log_group_name", self.log_group_name, limits.check_log_group)
        if not is_late(self.timeout_seconds):
            limits.FUNCTION_TIMEOUT.check("timeout_seconds", self.timeout_seconds)
        if self.reserved_concurrency is not None:
            limits.RESERVED_CONCURRENCY.check("reserved_concurrency", self.reserved_concurrency)


@dataclass(frozen=True, kw_only=True)
class PollersArgs:
    """Pollers that Lambda keeps ready for the queue, for spikes; each costs by the hour.

    minimum: kept always, 2 to 200.
    maximum: scaled up to, 2 to 2,000; each can invoke the function 10 times at once.
    """

    minimum: int = 2
    maximum: int = 200

    def __post_init__(self) -> None:
        check_kinds(self, "pollers.")
        limits.check_pollers(self.minimum, self.maximum, maximum_concurrency=None, reserved=None)


@dataclass(frozen=True, kw_only=True)
class IdempotencyArgs:
    """A table in which the function remembers what it has processed, for Powertools' idempotency.

    expires_after_seconds: how long, 60 to 2,419,200; by default as long as the queue and its
        dead-letter queue together keep a message.
    """

    expires_after_seconds: int | None = None

    def __post_init__(self) -> None:
        check_kinds(self, "idempotency.")
        if self.expires_after_seconds is not None:
            limits.IDEMPOTENCY.check(
                "idempotency.expires_after_seconds", self.expires_after_seconds
            )


@dataclass(frozen=True, kw_only=True)
class ConsumerArgs:
    """How messages are handed to a function, and which one.

    function: its code, time and memory, or one that exists. The queue's URL reaches a function of
        ours as `QUEUE_URL`, the number of receives before a message is dead-lettered as
        `MAX_RECEIVE_COUNT`.
    batch_size: messages in one invocation at most, 1 to 10, or to 10,000 with a window.
    batching_window_seconds: how long to gather a batch, 0 to 300; a FIFO queue has none.
    maximum_concurrency: batches processed at once, 2 to 1,000; by default what the function has
        reserved, else 10. Not with `pollers`.
    pollers: provisioned pollers; by default Lambda scales its own.
    filters: patterns of which a message's body must match one, up to 10; what stands in them may
        be an output. Lambda deletes what matches none: such messages are neither processed nor
        dead-lettered.
    is_enabled: False pauses the consumer: messages wait in the queue, within its retention.
    idempotency: makes a table for what has been processed, which reaches a function of ours as
        `IDEMPOTENCY_TABLE`, the seconds that it is kept as `IDEMPOTENCY_SECONDS`, and lets the
        function use it; by default there is none.

    A batch always answers which of its messages failed: one bad message doesn't fail the others.
    """

    function: PythonFunctionArgs | ExistingFunctionArgs
    batch_size: int = 10
    batching_window_seconds: int = 0
    maximum_concurrency: int | None = None
    pollers: PollersArgs | None = None
    filters: Sequence[pulumi.Input[Mapping[str, object]]] = ()
    is_enabled: bool = True
    idempotency: IdempotencyArgs | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        self._check_idempotency()
        reserved = self.function.reserved_concurrency
        limits.check_batch(self.batch_size, self.batching_window_seconds)
        limits.maximum_concurrency(self.maximum_concurrency, reserved)
        # What holds outputs is looked at when they are known.
        known = [None if holds_outputs(pattern) else pattern for pattern in self.filters]
        limits.check_filters(known)
        if self.pollers is not None:
            limits.check_pollers(
                self.pollers.minimum,
                self.pollers.maximum,
                maximum_concurrency=self.maximum_concurrency,
                reserved=reserved,
            )

    def _check_idempotency(self) -> None:
        if self.idempotency is not None and isinstance(self.function, ExistingFunctionArgs):
            raise limits.LimitError(
                "idempotency needs a function of ours, which is told the table's name; give "
                "function=PythonFunctionArgs(...), or leave idempotency out and give the function "
                "that exists a table of its own"
            )
