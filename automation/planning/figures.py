"""AWS's quotas and prices: dated, with their sources, and replaceable one by one."""

import dataclasses
import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation.errors import AutomationError

_FILE = Path(__file__).with_name("us_east_1.toml")
HOURS_PER_MONTH = 730
"""As AWS's own price calculator counts."""


# Of which there is one at least: with less, nothing would ever be received.
_QUOTAS = frozenset(
    {
        "first_concurrency",
        "concurrency_per_minute",
        "provisioned_concurrency_per_minute",
        "poller_bytes_per_second",
        "poller_calls_per_second",
        "account_concurrency",
        "invocation_bytes",
        "in_flight_standard",
        "in_flight_fifo",
        "fifo_calls_per_second",
        "fifo_high_throughput_calls_per_second",
        "billed_chunk_bytes",
    }
)
# Prices are small, and bytes are many; beyond this it is a slip.
_LEAST, _MOST = 1e-9, 1e12


@dataclass(frozen=True)
class Source:
    """Where a figure is from, and the day on which it was looked up."""

    page: str
    read: datetime.date | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What AWS allows and asks for; `us_east_1.toml` says what each is, and where it is stated.

    Attributes:
        sources: by the figure's name.
    """

    first_concurrency: float
    concurrency_per_minute: float
    provisioned_concurrency_per_minute: float
    poller_bytes_per_second: float
    poller_calls_per_second: float
    account_concurrency: float
    invocation_bytes: float
    in_flight_standard: float
    in_flight_fifo: float
    fifo_calls_per_second: float
    fifo_high_throughput_calls_per_second: float
    billed_chunk_bytes: float
    sqs_million_requests: float
    sqs_fifo_million_requests: float
    lambda_million_requests: float
    lambda_gb_second: float
    poller_hour: float
    alarm_month: float
    dashboard_month: float
    logs_gb: float
    poll_seconds: float
    empty_receive_seconds: float
    log_bytes_per_invocation: float
    log_bytes_per_failure: float
    sources: Mapping[str, Source] = field(repr=False)

    @property
    def oldest_read(self) -> datetime.date:
        """The day before which no figure was looked up; what a user gives has none."""
        return min(source.read for source in self.sources.values() if source.read)


def read_figures(replacements: Path | None = None) -> Figures:
    """The figures that are kept here, with a user's own in place of some.

    Args:
        replacements: a TOML file of `name = number`; None for none.

    Raises:
        AutomationError: the file can't be read, names none of the figures, or gives a number
            that none of them can be.
    """
    kept = tomllib.loads(_FILE.read_text())
    values = {name: float(entry["value"]) for name, entry in kept.items()}
    sources = {name: Source(entry["source"], entry["read"]) for name, entry in kept.items()}
    if replacements is not None:
        given = _read_replacements(replacements)
        values |= given
        sources |= {name: Source(str(replacements), None) for name in given}
    return Figures(**values, sources=sources)


def _read_replacements(path: Path) -> dict[str, float]:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise AutomationError(f"--prices {path} can't be read: {error}") from error
    known = [figure.name for figure in dataclasses.fields(Figures) if figure.name != "sources"]
    for name, value in found.items():
        if name not in known:
            raise AutomationError(
                f"--prices {path}: {name} is none of the figures; there are: {', '.join(known)}"
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        least = 1 if name in _QUOTAS else _LEAST
        if not is_number or not least <= value <= _MOST:
            raise AutomationError(
                f"--prices {path}: {name} = {value!r}; allowed: a number from {least:g} to "
                f"{_MOST:g}"
            )
    return {name: float(value) for name, value in found.items()}
