"""This project's consumer, in this process, behind the unkind world's mapping."""

import contextlib
import io
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from botocore.exceptions import ConnectTimeoutError

from tests.unkind.mapping import Record, Run

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
# Lambda puts a function's folder on the path.
FOLDER = str(Path(__file__).resolve().parents[3] / "functions" / "consumer")
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)

import back_off  # noqa: E402
import batch_processing  # noqa: E402
import consumer  # noqa: E402
import log_records  # noqa: E402
from customer_events import BadRecordError, process_record  # noqa: E402

Fate = Literal["well", "raises", "times out", "crashes", "crashes late", "answers nonsense"]
"""How a run goes: `crashes late` when all is done but the answer."""


class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "0"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


@dataclass(kw_only=True)
class OurConsumer:
    """A consumer for `World.add_mapping`.

    Attributes:
        is_fifo: whose messages it gets.
        fates: of its runs, in their order; those after them go well.
        failing_tries: of each message, by id, the numbers of the tries that fail for a passing
            reason; the first is 0.
        lost_back_offs: numbers of the calls for a back-off that don't come through.
        tries: how often each message was processed, and `failures` how often that failed.
        struck: how often each was in a run that failed as a whole.
        struck_last: those that were in such a run at their last delivery.
        deliveries: of each message, its receive counts.
    """

    is_fifo: bool
    fates: Sequence[Fate] = ()
    failing_tries: dict[str, frozenset[int]] = field(default_factory=dict)
    lost_back_offs: frozenset[int] = frozenset()
    tries: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    struck_last: set[str] = field(default_factory=set)
    runs: int = 0
    back_offs: int = 0
    deliveries: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _visible_in: dict[str, int] = field(default_factory=dict)

    def __call__(self, batch: Sequence[Record]) -> Run:
        fate = self.fates[self.runs] if self.runs < len(self.fates) else "well"
        self.runs += 1
        for record in batch:
            self.deliveries[record.message_id].append(record.receives)
        ids = [record.message_id for record in batch]
        self.struck_last.difference_update(ids)
        if fate != "well":
            self.struck.update(ids)
            self.struck_last.update(ids)
        if fate in ("raises", "times out", "crashes"):
            ending: Any = {"raises": "raise", "times out": "time out", "crashes": "crash"}[fate]
            return Run(ending=ending)
        self._visible_in = {}
        answer: Any = consumer.handler(
            {"Records": [self._event(record) for record in batch]}, Context()
        )
        if fate == "answers nonsense":
            answer = {"batchItemFailures": [{"itemIdentifier": "stranger"}]}
        return Run(
            answer=answer,
            ending="crash" if fate == "crashes late" else "answer",
            visible_in=self._visible_in,
        )

    @contextlib.contextmanager
    def at_work(self, queue_url: str, max_receives: int) -> Iterator[None]:
        """Have the function's modules work for this consumer."""
        environment = {"QUEUE_URL": queue_url, "MAX_RECEIVE_COUNT": str(max_receives)}
        (handler,) = log_records.logger.handlers
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(batch_processing, "process_record", self._process),
            mock.patch.object(back_off, "sqs_client", return_value=self),
            mock.patch.object(handler, "stream", io.StringIO()),
            mock.patch.object(log_records.logger._logger, "propagate", new=False),
        ):
            yield

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """What the back-off calls; the mapping does it when the run ends."""
        self.back_offs += 1
        if self.back_offs - 1 in self.lost_back_offs:
            raise ConnectTimeoutError(endpoint_url="https://sqs")
        for entry in request["Entries"]:
            self._visible_in[entry["ReceiptHandle"]] = entry["VisibilityTimeout"]
        return {}

    def _process(self, record: Any) -> Any:
        message_id = record["messageId"]
        number = self.tries[message_id]
        self.tries[message_id] += 1
        try:
            if number in self.failing_tries.get(message_id, ()):
                raise RuntimeError("injected")
            return process_record(record)
        except (RuntimeError, BadRecordError):
            self.failures[message_id] += 1
            raise

    def _event(self, record: Record) -> dict[str, Any]:
        system = {"ApproximateReceiveCount": str(record.receives)}
        if record.group:
            system["MessageGroupId"] = record.group
        return {
            "messageId": record.message_id,
            # The mapping knows a failed message by its id.
            "receiptHandle": record.message_id,
            "body": record.body,
            "attributes": system,
            "messageAttributes": {
                name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                for name, value in record.attributes.items()
            },
            "eventSourceARN": "arn:aws:sqs:eu-central-1:1:q" + (".fifo" if self.is_fifo else ""),
        }
