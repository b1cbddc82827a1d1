"""A deployed stack to work with: its outputs, its clients, where the operator's files go."""

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation.aws.clients import Clients
from automation.aws.errors import explained_aws_errors
from automation.deadletters.journal import Journal
from automation.deadletters.message import MAX_BYTES
from automation.deadletters.survey import Survey, survey_dead_letters
from automation.opening import opened_target
from automation.progress import Progress
from automation.stacks import stack_outputs
from automation.target import Pace, Target, TargetName
from components.outputs import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class Operated:
    """A stack and what it takes to work with it.

    Attributes:
        stack: its name.
        outputs: what it tells of itself.
        target: where it is.
        clients: AWS clients with `connections` connections.
        connections: how many requests to make at once.
        home: folder for journals and backups.
    """

    stack: str
    outputs: StackOutputs
    target: Target
    clients: Clients
    connections: int
    home: Path

    @property
    def pace(self) -> Pace:
        """How patient to be here."""
        return self.target.pace

    @property
    def sender(self) -> "SQSClient":
        """A client that never repeats a sending by itself."""
        return self.clients.sender

    def max_message_bytes(self, queue_url: str) -> int:
        """What a queue takes of one message: 1,024 to 1,048,576 bytes, attributes included."""
        name = "MaximumMessageSize"
        answer = self.clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
        return int(answer.get("Attributes", {}).get(name) or MAX_BYTES)

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


@contextlib.contextmanager
def operated_stack(
    target_name: TargetName,
    stack: str,
    *,
    home: Path,
    report: Callable[[str], None],
) -> Generator[Operated]:
    """Open a target and a stack in it; what AWS refuses in the block is explained.

    Args:
        target_name: `local` or `aws`.
        stack: its name.
        home: folder for journals and backups; locally also the embedded AWS's own.
        report: is given one line for each thing that takes time.

    Raises:
        AutomationError: no such target, no such stack, or AWS's refusal in words.
    """
    home.mkdir(parents=True, exist_ok=True)
    with opened_target(
        target_name, home=home, report=report, keeps_state=True, own_state=False
    ) as target:
        outputs = stack_outputs(target, stack)
        connections = target.pace.connections
        with explained_aws_errors(stack, outputs.operator_policy_arn):
            yield Operated(
                stack=stack,
                outputs=outputs,
                target=target,
                clients=dataclasses.replace(target.clients, max_connections=2 * connections),
                connections=connections,
                home=home,
            )


@contextlib.contextmanager
def surveyed(
    operated: Operated, progress: Progress, *, limit: int | None = None
) -> Generator[Survey]:
    """Read the dead-letter queue and the reasons, with a bar; for the time of the block."""
    with progress.shown(), progress.step("read"):
        survey = survey_dead_letters(
            operated.clients.sqs,
            operated.clients.logs,
            dlq_url=operated.outputs.dlq_url,
            log_group=operated.outputs.consumer_log_group_name,
            wait_seconds=operated.pace.receive_wait_seconds,
            connections=operated.connections,
            limit=limit,
            on_progress=lambda seen, expected: progress.detail(f"{seen} of about {expected}"),
        )
    with contextlib.closing(survey):
        yield survey
