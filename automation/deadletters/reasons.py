"""Why messages failed: what the consumers' logs say of them, by message."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from automation.aws.consumer_log import LogEvent, LogReader
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.looking_up import look_up
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.verdicts import Sureness, Verdict, verdict_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# Every way to say that something failed, in CloudWatch's language for regular expressions, which
# has no groups and no spaces; the last is pino's level. Terms would not do: nothing says that
# `Error` is found in `KeyError`.
FAILURES = (
    "%ERR|[Ee]rror|[Ee]xception|Traceback|CRITICAL|[Cc]ritical|FATAL|[Ff]atal|SEVERE|ALERT|PANIC|"
    "[Pp]anic|FAIL|[Ff]ail|Fault|[Tt]imeout|level.{1,4}[56]0%"
)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a message failed the last time, as the consumer's log says.

    Attributes:
        reason: in words that can't be the message's.
        attempts: how often the consumer has tried it: as it says, else as often as it was found.
        sureness: how much the reason says of this one message.
    """

    reason: str
    attempts: int
    sureness: Sureness = Sureness.OF_MESSAGE


class Failures:
    """Last failures of messages, on disk.

    They are found by message id, and else by (run_id, seq), which a message keeps when it gets a
    new id from a restore.

    Args:
        is_letter: whether an id is one of the messages that are asked about; None (default) where
            nobody knows.
    """

    def __init__(self, is_letter: Callable[[str], bool] | None = None) -> None:
        self._by_message = DiskMap()
        self._is_letter = is_letter

    def close(self) -> None:
        """Free the disk."""
        self._by_message.close()

    def load(
        self,
        logs: "CloudWatchLogsClient",
        log_groups: Iterable[str],
        *,
        since_ms: int,
        expression: ReasonExpression | None = None,
    ) -> None:
        """Read the consumers' logs from a Unix time in milliseconds on.

        Args:
            logs: client.
            log_groups: where the consumers log.
            since_ms: from when on.
            expression: gives the reason from records of a shape of their own, which may hold no
                word of a failure: all of the log is read then.
        """
        # With an expression only what Lambda writes around each invocation is left out.
        pattern = '-"RequestId: "' if expression else FAILURES
        for log_group in log_groups:
            for event in LogReader(
                logs, log_group, since_ms=since_ms, pattern=pattern
            ).new_events():
                if verdict := verdict_of(event, self._is_letter, expression):
                    self.add(verdict)

    def look_up(
        self,
        logs: "CloudWatchLogsClient",
        log_groups: Iterable[str],
        message_ids: Sequence[str],
        *,
        since_ms: int,
    ) -> int:
        """Ask for single messages, of which no record of a failure says enough.

        Args:
            logs: client.
            log_groups: where the consumers log.
            message_ids: which.
            since_ms: Unix time in milliseconds from which on to look.

        Returns:
            how many could have been asked for: fewer than there are where a log names none.
        """
        # Their attempts were counted already.
        known = {each for each in message_ids if self._by_message.get(each) is not None}
        asked = 0
        for log_group in log_groups:
            ids = iter(message_ids)
            found = look_up(
                logs,
                log_group,
                ids,
                since_ms=since_ms,
                is_letter=self._is_letter or known.__contains__,
            )
            for verdict in found:
                for message_id in verdict.message_ids:
                    single = dataclasses.replace(verdict, message_ids=frozenset({message_id}))
                    self.add(single, counts=message_id not in known)
            asked = max(asked, len(message_ids) - sum(1 for _ in ids))
        return asked

    def add(self, verdict: Verdict, *, counts: bool = True) -> None:
        """Take in what a record says; later ones win, unless they say less.

        Args:
            verdict: what it says.
            counts: it is an attempt that was not counted yet. Default True.
        """
        keys = sorted(verdict.message_ids)
        if verdict.identity:
            keys.append(_identity_key(*verdict.identity))
        self._by_message.put({key: self._after(key, verdict, counts=counts) for key in keys})

    def of(self, message_id: str, run_id: str | None, seq: str | None) -> Failure | None:
        """What is known of a message; None when the log says nothing."""
        value = self._by_message.get(message_id)
        if value is None and run_id is not None and seq is not None:
            value = self._by_message.get(_identity_key(run_id, seq))
        if value is None:
            return None
        known = _Known(*cast("list[object]", json.loads(value)))  # type: ignore[arg-type]
        return Failure(
            reason=known.reason,
            attempts=known.told or known.counted,
            sureness=Sureness(known.sureness),
        )

    def _after(self, key: str, verdict: Verdict, *, counts: bool) -> str:
        """What is known of a message after one verdict more."""
        text = self._by_message.get(key)
        before = _Known(*json.loads(text)) if text else _NOTHING
        is_of_same_run = verdict.request_id is not None and verdict.request_id == before.request_id
        says_more = verdict.sureness >= before.sureness
        after = _Known(
            reason=verdict.reason if says_more else before.reason,
            sureness=max(int(verdict.sureness), before.sureness),
            told=verdict.attempts if verdict.attempts is not None else before.told,
            counted=before.counted + (1 if counts and not is_of_same_run else 0),
            request_id=verdict.request_id,
        )
        return json.dumps(
            [after.reason, after.sureness, after.told, after.counted, after.request_id]
        )


@dataclass(frozen=True)
class _Known:
    """As it lies on the disk, in this order."""

    reason: str
    sureness: int
    told: int | None
    counted: int
    request_id: str | None


_NOTHING = _Known("", -1, None, 0, None)


def failure_events(
    logs: "CloudWatchLogsClient", log_groups: Iterable[str], *, since_ms: int
) -> Iterator[LogEvent]:
    """Yield the consumers' records of failed messages, of each log the oldest first."""
    for log_group in log_groups:
        reader = LogReader(logs, log_group, since_ms=since_ms, pattern=FAILURES)
        yield from (event for event in reader.new_events() if event.is_failure)


def _identity_key(run_id: str, seq: str) -> str:
    return f"{run_id}/{seq}"
