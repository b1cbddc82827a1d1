"""What goes wrong with single requests, where a process is killed: scripted, or drawn by a seed."""

import random
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.unkind.errors import NETWORK_FAILURES, NEVER_SENT, client_error


class Killed(BaseException):
    """The process is gone: nothing that it does from here on has an effect."""


@dataclass
class Steps:
    """Counts everything that has an effect outside the process, and kills it at one of them."""

    kill_at: int | None = None
    taken: int = 0

    @property
    def is_dead(self) -> bool:
        return self.kill_at is not None and self.taken > self.kill_at

    def step(self) -> None:
        self.taken += 1
        if self.is_dead:
            raise Killed


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        error: AWS's error code, or the name of botocore's exception; empty for none.
        after: whether AWS has done what it was asked before the answer got lost.
        failing_entries: numbers of the entries of a batch that fail alone.
        entry_code: with which they fail.
        sender_fault: whose fault that is, as SQS says.
    """

    error: str = ""
    after: bool = False
    failing_entries: frozenset[int] = frozenset()
    entry_code: str = "InternalError"
    sender_fault: bool = False

    def __post_init__(self) -> None:
        if self.after and self.error in NEVER_SENT:
            raise ValueError(f"{self.error} means that the request was never sent")

    def exception(self, operation: str) -> Exception:
        """What botocore raises."""
        failure = NETWORK_FAILURES.get(self.error)
        return failure() if failure else client_error(self.error, operation, "injected")


REFUSALS = (
    "RequestThrottled",
    "ThrottlingException",
    "KMS.ThrottlingException",
    "ServiceUnavailable",
    "InternalError",
)
"""Errors after which the same request may be taken."""

KMS_REFUSALS = ("KMS.AccessDeniedException", "KMS.DisabledException", "KMS.NotFoundException")


def passing_faults() -> list[Fault]:
    """Every fault that a second attempt gets over."""
    network = [name for name in NETWORK_FAILURES if name != "NoCredentialsError"]
    before = [Fault(error=error) for error in (*REFUSALS, *network)]
    lost = ("InternalError", "ServiceUnavailable", *network)
    return before + [Fault(error=e, after=True) for e in lost if e not in NEVER_SENT]


@dataclass
class Faults:
    """Which request meets which fault.

    Attributes:
        scripted: by operation ("SendMessageBatch"), what meets the next requests, in order.
        rate: probability that a request meets one of `drawn`, when nothing is scripted.
        drawn: faults to draw from.
        credentials_end_at: from this virtual time on every request is refused.
    """

    rng: random.Random
    scripted: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    rate: float = 0.0
    drawn: list[Fault] = field(default_factory=passing_faults)
    credentials_end_at: float | None = None

    def next(self, operation: str, now: float) -> Fault:
        """What meets this request."""
        if self.credentials_end_at is not None and now >= self.credentials_end_at:
            return Fault(error="ExpiredToken")
        if self.scripted[operation]:
            return self.scripted[operation].popleft()
        if self.rate and self.rng.random() < self.rate:
            return self.rng.choice(self.drawn)
        return Fault()
