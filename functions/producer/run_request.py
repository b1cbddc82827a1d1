"""The event of an invocation: what a run shall send, and the ranges of it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

# Lambda ends an invocation after 900 s; a producer needs some of them for itself.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_DURATION_SECONDS = 890
RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class InvalidEventError(ValueError):
    """The invocation's event is not what the producer takes; names field, value and range."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one run shall send."""

    run_id: str
    duration_seconds: float
    rate_per_second: float | None
    max_messages: int | None
    bad_ratio: float
    seed: int | None


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the event: what stands for it when it is left out, and what is allowed."""

    default: Any
    must_be: str
    is_allowed: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


EVENT_FIELDS = {
    "duration_s": Field(
        default=5,
        must_be=f"a number of seconds above 0, at most {MAX_DURATION_SECONDS}",
        is_allowed=lambda v: _is_number(v) and 0 < v <= MAX_DURATION_SECONDS,
    ),
    "rate": Field(
        default=20,
        must_be="a number of messages per second above 0, at most 10000, or null",
        is_allowed=lambda v: v is None or (_is_number(v) and 0 < v <= 10_000),
    ),
    "max_messages": Field(
        default=None,
        must_be="an integer from 1 to 1000000, or null",
        is_allowed=lambda v: v is None or (_is_integer(v) and 1 <= v <= 1_000_000),
    ),
    "bad_ratio": Field(
        default=0.25,
        must_be="a number from 0 to 1",
        is_allowed=lambda v: _is_number(v) and 0 <= v <= 1,
    ),
    "seed": Field(
        default=None,
        must_be="an integer or null",
        is_allowed=lambda v: v is None or _is_integer(v),
    ),
    "run_id": Field(
        default=None,
        must_be="1 to 64 of the characters A-Z a-z 0-9 _ -, or null",
        is_allowed=lambda v: (
            v is None or (isinstance(v, str) and bool(RUN_ID_PATTERN.fullmatch(v)))
        ),
    ),
}


def read_request(event: object) -> Request:
    """Check an event and fill in what it leaves out.

    `EVENT_FIELDS` holds each field's default and range; null stands for: `rate` as fast as it
    goes, `max_messages` no limit but the others, `seed` and `run_id` a new one each time.

    Raises:
        InvalidEventError: for an unknown field or a value out of range.
    """
    if not isinstance(event, dict):
        raise InvalidEventError(f"the event is a {type(event).__name__}; it must be a JSON object")
    given = cast("dict[str, Any]", event)
    if unknown := sorted(given.keys() - EVENT_FIELDS.keys()):
        raise InvalidEventError(
            f"unknown field {_shorten(unknown[0])} with value {_shorten(given[unknown[0]])}; "
            f"known are {', '.join(EVENT_FIELDS)}"
        )
    values = {name: given.get(name, field.default) for name, field in EVENT_FIELDS.items()}
    for name, field in EVENT_FIELDS.items():
        if not field.is_allowed(values[name]):
            raise InvalidEventError(
                f"{name} is {_shorten(values[name])}; it must be {field.must_be}"
            )
    return Request(
        run_id=values["run_id"] or str(uuid.uuid4()),
        duration_seconds=values["duration_s"],
        rate_per_second=values["rate"],
        max_messages=values["max_messages"],
        bad_ratio=values["bad_ratio"],
        seed=values["seed"],
    )


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
