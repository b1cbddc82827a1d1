"""Queues, functions and mappings on one embedded AWS, made by bare calls for the benchmarks."""

import contextlib
import io
import itertools
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil

from automation.aws.clients import Clients
from automation.local.emulator import Emulator, running_emulator
from automation.waiting import wait_until

FUNCTIONS = Path(__file__).resolve().parent / "functions"
OUR_FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/benchmark"
DEADLINE_SECONDS = 300

BODY = json.dumps(
    {
        "name": "Shifter",
        "dob": "1945-10-17",
        "gender": "F",
        "ssn_no": "396144610",
        "data_share_consent": False,
        "evnt_time": "2021-02-06T18:56:59.165483",
    }
)


@contextlib.contextmanager
def embedded_cloud() -> "Generator[Cloud]":
    """An embedded AWS of the benchmark's own until the block ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_emulator(Path(folder), region="us-east-1") as emulator,
    ):
        yield Cloud(emulator)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Seconds: on the clock, of processors in the emulator, of processors in functions' workers."""

    clock: float
    emulator: float
    functions: float

    def __add__(self, more: "Spent") -> "Spent":
        return Spent(
            clock=self.clock + more.clock,
            emulator=self.emulator + more.emulator,
            functions=self.functions + more.functions,
        )

    def __sub__(self, before: "Spent") -> "Spent":
        return Spent(
            clock=self.clock - before.clock,
            emulator=self.emulator - before.emulator,
            functions=self.functions - before.functions,
        )


class Cloud:
    """Makes what a benchmark needs."""

    def __init__(self, emulator: Emulator) -> None:
        session = boto3.Session(ACCOUNT, "local", region_name="us-east-1")
        self.clients = Clients(
            session=session, endpoint_url=emulator.endpoint_url, max_connections=32
        )
        self.sqs = self.clients.sqs
        self.functions = self.clients.functions
        self._emulator = psutil.Process(emulator.process.pid)
        self._numbers = itertools.count()

    def name(self, role: str) -> str:
        """A name that was not given before."""
        return f"{role}-{next(self._numbers)}"

    def queue(self, *, visibility_seconds: int = 60, max_receive_count: int | None = None) -> str:
        """A new queue, with a dead-letter queue named after it when a number of receives is given.

        Returns its URL.
        """
        name = self.name("queue")
        attributes = {"VisibilityTimeout": str(visibility_seconds)}
        if max_receive_count is not None:
            dlq = self.sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
            policy = {"deadLetterTargetArn": self.arn(dlq), "maxReceiveCount": max_receive_count}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, queue_url: str) -> str:
        """Of a queue."""
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def function(
        self, sources: Iterable[Path], handler: str, environment: Mapping[str, str]
    ) -> str:
        """A new function of files, and of all modules in folders; returns its name."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for source in sources:
                for path in sorted(source.glob("*.py")) if source.is_dir() else [source]:
                    archive.write(path, path.name)
        name = self.name("function")
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": packed.getvalue()},
            Timeout=60,
            MemorySize=256,
            Environment={"Variables": dict(environment)},
        )
        return name

    def mapping(self, queue_url: str, function: str, *, reports_failures: bool = True) -> str:
        """Hands a queue's messages to a function as the component does; returns its id."""
        return self.functions.create_event_source_mapping(
            EventSourceArn=self.arn(queue_url),
            FunctionName=function,
            BatchSize=10,
            ScalingConfig={"MaximumConcurrency": 10},
            FunctionResponseTypes=["ReportBatchItemFailures"] if reports_failures else [],
        )["UUID"]

    def pause(self, mapping: str) -> None:
        """Has a mapping deliver nothing more."""
        self._switch(mapping, is_on=False)

    def resume(self, mapping: str) -> None:
        """Has it deliver again."""
        self._switch(mapping, is_on=True)

    def _switch(self, mapping: str, *, is_on: bool) -> None:
        self.functions.update_event_source_mapping(UUID=mapping, Enabled=is_on)
        wanted = "Enabled" if is_on else "Disabled"

        def probe() -> tuple[bool, str]:
            state = self.functions.get_event_source_mapping(UUID=mapping)["State"]
            return state == wanted, state

        _wait(f"the mapping {mapping} is {wanted}", probe)

    def unmap(self, mapping: str) -> None:
        """Ends a mapping."""
        self.functions.delete_event_source_mapping(UUID=mapping)

    def invoke(self, function: str, event: Mapping[str, object]) -> dict[str, Any]:
        """Calls a function and returns its answer; raises when it raised."""
        answer = self.clients.invoker.invoke(
            FunctionName=function, Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} failed: {payload}")
        return payload

    def spent(self) -> Spent:
        """What has been used until now, for a difference."""
        emulator = self._emulator.cpu_times()
        # Its children are the workers; of those that have ended it holds the sum itself.
        functions = emulator.children_user + emulator.children_system
        for worker in self._emulator.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = worker.cpu_times()
                functions += times.user + times.system
        return Spent(
            clock=time.monotonic(), emulator=emulator.user + emulator.system, functions=functions
        )

    def fill(self, queue_url: str, bad: Iterable[bool]) -> None:
        """Sends one message for each entry, in order; a bad one lacks `store_id`."""
        entries: list[Any] = [
            {"Id": str(seq), "MessageBody": BODY, "MessageAttributes": attributes(seq, is_bad)}
            for seq, is_bad in enumerate(bad)
        ]
        batches = [entries[start : start + 10] for start in range(0, len(entries), 10)]
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(
                lambda batch: self.sqs.send_message_batch(QueueUrl=queue_url, Entries=batch),
                batches,
            )
            if failed := [answer["Failed"] for answer in answers if answer.get("Failed")]:
                raise RuntimeError(f"the queue could not be filled: {failed[0]}")

    def count(self, queue_url: str) -> int:
        """Messages in a queue, those in flight and delayed too; the emulator counts exactly."""
        names = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        )
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(names))
        return sum(int(answer["Attributes"][name]) for name in names)

    def wait_for(self, queue_url: str, messages: int) -> None:
        """Until so many messages are in a queue."""

        def probe() -> tuple[bool, int]:
            found = self.count(queue_url)
            return found == messages, found

        _wait(f"{messages} messages are in {queue_url}", probe)


def _wait(description: str, probe: Callable[[], tuple[bool, object]]) -> None:
    wait_until(description, probe, timeout_seconds=DEADLINE_SECONDS, interval_seconds=0.02)


def attributes(seq: int, is_bad: bool) -> dict[str, Any]:
    """Of a store's message."""
    texts = {"project": "reliable-queue", "contact_me": "a@example.org", "run_id": "benchmark"}
    numbers = {"ts": 1612637819, "seq": seq} | ({} if is_bad else {"store_id": seq % 5 + 1})
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()} | {
        name: {"DataType": "Number", "StringValue": str(number)} for name, number in numbers.items()
    }
