"""One invocation of a consumer, as its log tells it: which messages it named, and how it ended."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from automation.aws.consumer_log import LogEvent
from automation.aws.log_lines import read_line
from automation.deadletters.exception_words import exception_words
from automation.deadletters.verdicts import (
    UNNAMED,
    Sureness,
    Verdict,
    keyed_ids,
    of_batch,
    verdict_of,
)

# An execution environment handles one invocation after the other (on Lambda Managed Instances
# several at once), and what ends one may be logged behind its REPORT.
_OPEN = 16
# Beyond that the first lines of an invocation are forgotten, but not which messages it named.
_MAX_LINES = 2_000
_MAX_JOINED = 262_144
_MAX_JOINED_LINES = 1_000
# `{"Records": [{"messageId": `, also in a text of JSON, as Python writes it and as Node does.
_EVENT = re.compile(r"Records\\*['\"]?\s*:\s*\[\s*\{[^{}]{0,200}messageId")
_MAX_EVENT = 65_536
# A line that goes on with the one before: of a traceback or stack that was logged line by line.
_CONTINUED = re.compile(r"\s|Traceback \(most recent call last\)|Caused by: |During handling of|$")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")


@dataclass(kw_only=True)
class Invocation:
    """What was logged between the START and the END of one request.

    Attributes:
        request_id: Lambda's; None where the log begins in the middle.
        named: every id in its lines that may be a message's.
        batch: the ids of its whole batch; None where nothing tells them.
        lines: in their order, tracebacks joined.
    """

    request_id: str | None
    named: set[str] = field(default_factory=set[str])
    batch: frozenset[str] | None = None
    lines: list[LogEvent] = field(default_factory=list[LogEvent])
    _more: list[str] = field(default_factory=list[str])

    def take(self, event: LogEvent) -> None:
        """Take in one line."""
        line = event.line
        self.named |= line.named_ids - {str(self.request_id)}
        # The event as the mapping gives it names each message of the batch; a longer line may have
        # been cut.
        if len(line.text) < _MAX_EVENT and _EVENT.search(line.text):
            self.batch = (self.batch or frozenset()) | keyed_ids(line.text)
        if self.lines and self._goes_on(event):
            self._more.append(line.text)
            if len(self._more) > _MAX_JOINED_LINES:
                # Of a deep recursion: the exception itself comes last.
                del self._more[-2]
        else:
            self.join()
            self.lines.append(event)
            del self.lines[:-_MAX_LINES]

    def join(self) -> None:
        """Make one record of the last line and of those that went on with it."""
        if self._more:
            last = self.lines[-1]
            text = "\n".join([last.line.text.rstrip("\n"), *self._more])
            self.lines[-1] = dataclasses.replace(last, line=read_line(text[:_MAX_JOINED]))
            self._more = []

    def _goes_on(self, event: LogEvent) -> bool:
        """Whether a line belongs to the record before it."""
        first, second = self.lines[-1].line, event.line
        if first.record is not None or second.record is not None or first.mark or second.mark:
            return False
        if second.request_id is not None or second.ending is not None:
            return False
        if _TRACEBACK.match(second.text) and not self._more:
            # Behind the record of an error it is its own; behind another line it may be of any.
            return first.is_error
        if _CONTINUED.match(second.text):
            return True
        # The exception itself, behind its frames.
        pieces = [*first.text.split("\n"), *self._more]
        return pieces[-1].startswith(" ") and any(map(_TRACEBACK.match, pieces))

    def verdicts(self, is_letter: Callable[[str], bool]) -> Iterator[Verdict]:
        """What is known of the letters that it handled; the surest last."""
        letters = frozenset(filter(is_letter, self.named))
        if not letters:
            return
        # Without a request's id it may be several invocations of which the frames are not logged.
        if self.request_id and (words := self._ending()):
            alone = self._alone(letters)
            yield Verdict(
                message_ids=letters,
                reason=words if alone else of_batch(words),
                sureness=Sureness.OF_MESSAGE if alone else Sureness.OF_BATCH,
                request_id=self.request_id,
            )
        for event in self.lines:
            verdict = verdict_of(event, is_letter) or self._of_the_only_one(event, letters)
            if verdict:
                yield dataclasses.replace(verdict, request_id=self.request_id)

    def _ending(self) -> str | None:
        """Why Lambda ended it, in the words that say most; None where it was answered for."""
        endings = [event.line for event in self.lines if event.line.ending]
        if not endings:
            return None
        told = next((line for line in endings if line.thrown), None)
        if told and told.thrown:
            return exception_words(told.thrown)
        return max((str(line.ending) for line in endings), key=len)

    def _of_the_only_one(self, event: LogEvent, letters: frozenset[str]) -> Verdict | None:
        """A failure that names no message, where there was one alone."""
        line = event.line
        if not (line.is_error and not line.ending and not line.named_ids and self._alone(letters)):
            return None
        return Verdict(
            message_ids=letters,
            reason=exception_words(line.thrown) if line.thrown else UNNAMED,
            sureness=Sureness.OF_MESSAGE if line.thrown else Sureness.UNNAMED,
        )

    def _alone(self, letters: frozenset[str]) -> bool:
        """Whether its batch is known to have been this one message."""
        return bool(self.request_id and len(letters) == 1 and self.batch == letters)


def invocations(events: Iterable[LogEvent]) -> Iterator[Invocation]:
    """The invocations of one log stream, from its lines in their order."""
    opened: dict[str | None, Invocation] = {}
    current: str | None = None
    for event in events:
        line = event.line
        if line.mark == "platform":
            continue
        if line.mark == "start":
            current = line.request_id
        # Of a consumer's own line the field of that name may be another's request.
        is_its_own = bool(line.mark) or line.request_id in opened or current is None
        request_id = line.request_id if is_its_own else current
        if request_id not in opened:
            opened[request_id] = Invocation(request_id=request_id)
        opened[request_id].take(event)
        if len(opened) > _OPEN:
            yield _finished(opened.pop(next(iter(opened))))
    yield from map(_finished, opened.values())


def _finished(invocation: Invocation) -> Invocation:
    invocation.join()
    return invocation
