"""A queue to work with: what belongs to it, its clients, where the operator's files go."""

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from automation.aws.clients import Clients
from automation.aws.errors import explained_aws_errors
from automation.deadletters.journal import Journal
from automation.deadletters.message import MAX_BYTES
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.survey import Survey, survey_dead_letters
from automation.opening import opened_account, opened_target
from automation.operations.discovery import discovered_wiring
from automation.operations.named_queue import find_queue, named_queue
from automation.operations.stack_queues import stack_wiring
from automation.operations.wiring import Queue, Wiring
from automation.private_files import own_folder
from automation.progress import Progress
from automation.target import Account, Pace, TargetName

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a command is about, as its flags say it.

    Attributes:
        target: `local` or `aws`.
        home: folder for journals and backups; locally also the embedded AWS's own.
        stack: the stack with the component; None when a queue is named.
        project: of the stack; None for the one that has a stack of that name.
        queue: with a stack, the name of the component in it; without, the queue's name, URL or
            ARN, or its dead-letter queue's.
        dlq: name, URL or ARN of the dead-letter queue; None for the one of the redrive policy.
        log_groups: where else a consumer logs.
    """

    target: TargetName
    home: Path
    stack: str | None = None
    project: str | None = None
    queue: str | None = None
    dlq: str | None = None
    log_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Operated:
    """A queue and what it takes to work with it.

    Attributes:
        wiring: what belongs to it.
        account: where it is.
        clients: AWS clients with `connections` connections.
        connections: how many requests to make at once.
        home: folder for journals and backups.
    """

    wiring: Wiring
    account: Account
    clients: Clients
    connections: int
    home: Path

    @classmethod
    def of(cls, account: Account, wiring: Wiring, home: Path) -> Self:
        """Work with what belongs to a queue, as many requests at once as is right there."""
        connections = account.pace.connections
        return cls(
            wiring=wiring,
            account=account,
            clients=dataclasses.replace(account.clients, max_connections=2 * connections),
            connections=connections,
            home=home,
        )

    @property
    def queue(self) -> Queue:
        """The queue that work is sent to."""
        return self.wiring.require_queue()

    @property
    def dlq(self) -> Queue:
        """The dead-letter queue."""
        return self.wiring.require_dlq()

    @property
    def pace(self) -> Pace:
        """How patient to be here."""
        return self.account.pace

    @property
    def sender(self) -> "SQSClient":
        """A client that never repeats a sending by itself."""
        return self.clients.sender

    def url_of(self, text: str) -> str:
        """The URL of the queue that `--to` names by name, URL or ARN.

        Raises:
            AutomationError: there is no such queue.
        """
        # A queue of another account can be sent to, when its policy says so; not be asked for.
        is_url = text.startswith(("https://", "http://"))
        if is_url:
            return text.rstrip("/")
        return find_queue(self.account, named_queue("--to", text)).url

    def max_message_bytes(self, queue_url: str) -> int:
        """What a queue takes of one message: 1,024 to 1,048,576 bytes, attributes included."""
        return max_message_bytes(self.clients.sqs, queue_url)

    def journal(self, purpose: str, source: str) -> Journal:
        """The journal of one piece of work; that of a killed run is continued."""
        return Journal(self._journal_path(purpose, source), purpose=purpose, source=source)

    def has_unfinished(self, purpose: str, source: str) -> bool:
        """Whether a killed or stopped run has left something to continue."""
        return self._journal_path(purpose, source).exists()

    def has_finished(self, purpose: str, source: str) -> bool:
        """Whether the same work was done before."""
        path = self._journal_path(purpose, source)
        return any(path.parent.glob(f"{path.stem}.*.finished.jsonl"))

    def _journal_path(self, purpose: str, source: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9]+", "-", source.rpartition("/")[2])[-60:].strip("-")
        # Queues of other accounts, and files of other folders, may have the same last name.
        distinct = hashlib.sha256(source.encode()).hexdigest()[:8]
        return self.home / "journals" / f"{purpose}-{readable}-{distinct}.jsonl"


def max_message_bytes(sqs: "SQSClient", queue_url: str) -> int:
    """What a queue takes of one message: 1,024 to 1,048,576 bytes, attributes included."""
    name = "MaximumMessageSize"
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(answer.get("Attributes", {}).get(name) or MAX_BYTES)


@contextlib.contextmanager
def operated_queue(selection: Selection, *, report: Callable[[str], None]) -> Generator[Operated]:
    """Open a target and find a queue in it; what AWS refuses in the block is explained.

    Args:
        selection: which queue, and where.
        report: is given one line for each thing that takes time, or could not be found.

    Raises:
        AutomationError: no such target, stack or queue, or AWS's refusal in words.
    """
    own_folder(selection.home)
    with _wired(selection, report) as (account, wiring):
        for note in wiring.notes:
            report(note)
        with explained_aws_errors(wiring.selected, wiring.operator_policy_arn):
            yield Operated.of(account, wiring, selection.home)


@contextlib.contextmanager
def _wired(
    selection: Selection, report: Callable[[str], None]
) -> Generator[tuple[Account, Wiring]]:
    home = selection.home
    if selection.stack is None:
        with opened_account(selection.target, home=home) as account:
            with explained_aws_errors(f"queue {selection.queue or selection.dlq}", None):
                wiring = discovered_wiring(
                    account, selection.queue, selection.dlq, selection.log_groups
                )
            yield account, wiring
        return
    with opened_target(
        selection.target, home=home, report=report, keeps_state=True, own_state=False
    ) as target:
        yield (
            target,
            stack_wiring(
                target,
                selection.stack,
                project=selection.project,
                component=selection.queue,
                log_groups=selection.log_groups,
            ),
        )


@contextlib.contextmanager
def surveyed(
    operated: Operated,
    progress: Progress,
    *,
    limit: int | None = None,
    expression: ReasonExpression | None = None,
) -> Generator[Survey]:
    """Read the dead-letter queue and the reasons, with a bar; for the time of the block."""
    with progress.shown(), progress.step("read"):
        survey = survey_dead_letters(
            operated.clients.sqs,
            operated.clients.logs,
            dlq_url=operated.dlq.url,
            log_groups=operated.wiring.log_groups,
            wait_seconds=operated.pace.receive_wait_seconds,
            connections=operated.connections,
            limit=limit,
            expression=expression,
            on_progress=lambda seen, expected: progress.detail(f"{seen} of about {expected}"),
        )
    with contextlib.closing(survey):
        yield survey
