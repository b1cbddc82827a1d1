"""A stack with a queue for each kind of consumer, and proofs with the fault in their middle."""

import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from pulumi.automation import OutputMap, Stack

from automation.deadletters.message import message_from_json
from automation.operations.stack_queues import component_wiring, components_of
from automation.operations.wiring import Wiring
from automation.programs import inline_program
from automation.progress import Progress
from automation.proof import prove
from automation.proof.deployed import Deployed
from automation.proof.expected import End, Line
from automation.proof.throwaway import Run
from automation.target import Target
from automation.waiting import wait_until
from components import (
    ConsumerArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    dependency_layer,
)
from tests.chaos.data_path.witness import Witness, end_by_law

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
GOOD = {
    "name": "Quillaume",
    "dob": "1945-10-17",
    "gender": "F",
    "ssn_no": "396144610",
    "data_share_consent": False,
    "evnt_time": "2021-02-06T18:56:59.165483",
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a queue and its consumer are set; the times in seconds.

    Attributes:
        receives: of a message before it is dead-lettered.
        timeout, visibility: of the function, and how long it hides a message.
        at_once: batches that are processed at once, for which the function has places reserved.
        works: how long a batch takes.
    """

    receives: int
    timeout: int
    visibility: int
    at_once: int
    works: float


@dataclass(kw_only=True)
class Faulty:
    """The program: a queue for each setting, whose consumers write down what they do.

    Attributes:
        folder: for the consumers' code and what they write.
        settings: by the queue's name.
        release: of the consumers, which a deployment brings out.
    """

    folder: Path
    settings: Mapping[str, Setting]
    release: str = "first"

    def __post_init__(self) -> None:
        self.source = self.folder / "consumer"
        shutil.copytree(ROOT / "functions" / "consumer", self.source)
        shutil.copy(HERE / "consumers" / "faulty.py", self.source)
        self.witnesses = {name: Witness(self.folder / f"{name}.jsonl") for name in self.settings}

    def declare(self) -> None:
        """Make the resources."""
        layer = dependency_layer(
            ROOT / "functions" / "requirements.txt", build_folder=ROOT / ".build"
        )
        for name, setting in self.settings.items():
            function = PythonFunctionArgs(
                source=self.source,
                handler="faulty.handler",
                dependencies=layer,
                timeout_seconds=setting.timeout,
                reserved_concurrency=setting.at_once,
                environment={
                    "WITNESS": str(self.witnesses[name].path),
                    "WORKS_SECONDS": str(setting.works),
                    "RELEASE": self.release,
                },
            )
            ReliableQueue(
                name,
                ReliableQueueArgs(
                    consumer=ConsumerArgs(function=function),
                    visibility_timeout_seconds=setting.visibility,
                    max_receive_count=setting.receives,
                    has_dashboard=False,
                ),
            )


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a proof found, and what the law says by what the consumer did."""

    report: prove.ProveReport
    witness: Witness
    setting: Setting

    def assert_law(self) -> None:
        """Each message is where its deliveries have brought it; the verdict names each other."""
        deliveries, results = self.witness.of_messages(), self.report.account.results
        for result in results:
            own = deliveries[result.message_id or ""]
            assert result.found == end_by_law(own, self.setting.receives), (result, own)
        wrong = [result.line for result in results if result.found != result.expected]
        assert self.report.verdict == ("broken" if wrong else "held"), self.report.reason
        assert self.report.account.strangers == ()

    def __str__(self) -> str:
        """The figures of docs/reliability.md."""
        results = self.report.account.results
        figures = {
            "messages": len(results),
            "lost": self.count("lost"),
            "doubled": self.witness.doubled() + self.count("both"),
            "misrouted": sum(
                one.expected == "processed" and one.found == "dead-lettered" for one in results
            ),
            "runs that did not end": self.witness.unended(),
        }
        return ", ".join(f"{figure} {what}" for what, figure in figures.items())

    def count(self, found: str) -> int:
        return sum(result.found == found for result in self.report.account.results)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The deployed stack.

    Attributes:
        target, stack, wirings: where, what the engine knows, what belongs to each queue.
        program: what made it.
    """

    target: Target
    home: Path
    stack: Stack
    wirings: Mapping[str, Wiring]
    program: Faulty

    def prove(
        self, name: str, lines: Iterable[Line], meanwhile: Callable[[Witness], None] | None = None
    ) -> Proof:
        """Send, settle and account on one queue, as `prove` does.

        Args:
            name: of the queue, which is emptied before.
            lines: what to send.
            meanwhile: the fault, while messages flow; it is given what the consumer writes.
        """
        witness = self.program.witnesses[name]
        self._empty(name)
        witness.path.write_text("")
        run = Run(
            target=self.target,
            home=self.home,
            found=Deployed(wiring=self.wirings[name], outputs={}),
        )
        options = prove.ProveOptions(
            program=inline_program(self.program.declare, ROOT),
            lines=list(lines),
            timeout_seconds=90,
        )
        with ThreadPoolExecutor(1) as pool:
            proving = pool.submit(prove._prove, options, run, Progress())
            if meanwhile:
                meanwhile(witness)
            report = proving.result()
        proof = Proof(report=report, witness=witness, setting=self.program.settings[name])
        # make chaos ARGS=-rP shows it.
        Progress().say(f"{name}: {proof}")
        return proof

    def _empty(self, name: str) -> None:
        """Forget the dead letters of the proof before, until the alarm can ring again."""
        clients, dlq = self.target.clients, self.wirings[name].require_dlq()
        clients.sqs.purge_queue(QueueUrl=dlq.url)

        def probe() -> tuple[bool, object]:
            alarms = clients.cloudwatch.describe_alarms(
                StateValue="ALARM", AlarmNamePrefix=f"{name}-"
            )["MetricAlarms"]
            return not alarms, [alarm["AlarmName"] for alarm in alarms]

        wait_until("no alarm rings", probe, timeout_seconds=30, interval_seconds=0.1)

    def throttles(self, function_name: str) -> float:
        """How many invocations were refused in the last hour."""
        now = datetime.now(UTC)
        answer = self.target.clients.cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": function_name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point.get("Sum", 0) for point in answer["Datapoints"])

    def function_name(self, name: str) -> str:
        (consumer,) = self.wirings[name].consumers
        return consumer.function_name


def read_stage(target: Target, home: Path, program: Faulty) -> Callable[[Stack, OutputMap], Stage]:
    """What makes a stage of the stack when it is deployed."""

    def read(stack: Stack, _: OutputMap) -> Stage:
        state = cast("Mapping[str, object]", stack.export_stack().deployment)
        wirings = {
            name: component_wiring(target, outputs, selected=name)
            for name, outputs in components_of(state).items()
        }
        return Stage(target=target, home=home, stack=stack, wirings=wirings, program=program)

    return read


def line(
    number: int,
    body: str | None = None,
    *,
    expect: End = "processed",
    attributes: Mapping[str, object] | None = None,
    reason: str | None = None,
    run_id: str = "chaos",
) -> Line:
    """A message of the worked case, or one that differs from it in something."""
    own = {"run_id": run_id, "seq": number, "store_id": number % 5 + 1}
    # None takes an attribute away.
    chosen = {k: v for k, v in {**own, **(attributes or {})}.items() if v is not None}
    value = {
        "id": f"line-{number}",
        "body": json.dumps(GOOD) if body is None else body,
        "attributes": chosen,
    }
    return Line(number=number, expect=expect, message=message_from_json(value), reason=reason)


def lines(count: int, *, fault: str | None = None, every: int = 10) -> list[Line]:
    """Good messages and bad ones, a quarter of them; of the good ones some ask for a fault."""

    run_id = f"chaos-{secrets.token_hex(3)}"

    def attributes(number: int) -> dict[str, object]:
        if number % 4 == 0:
            return {"store_id": None}
        return {"fault": fault} if fault and number % every == 1 else {}

    return [
        line(
            number,
            expect="processed" if number % 4 else "dead-lettered",
            attributes=attributes(number),
            run_id=run_id,
        )
        for number in range(1, count + 1)
    ]
