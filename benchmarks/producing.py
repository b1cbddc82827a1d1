"""The producer at full speed beside others, each from inside a function."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.embedded import BODY, FUNCTIONS, OUR_FUNCTIONS, Cloud
from benchmarks.figures import OURS, Figure, Target

ONE_CALL = "one call a message"
BARE = "the best bare loop"
# More make it slower: measured with 1, 2, 4 and 8.
BARE_CONNECTIONS = 4


def producing(cloud: Cloud, rounds: int, duration_seconds: float = 3) -> Figure:
    """How many messages each gets accepted in the same time, nobody receiving."""
    contenders: Mapping[str, _Producer] = {
        OURS: _Producer(
            source=OUR_FUNCTIONS / "producer",
            handler="producer.handler",
            event={"rate": None},
            sent=lambda answer: json.loads(answer["body"])["message"]["msg_cnt"],
        ),
        ONE_CALL: _Producer(
            source=FUNCTIONS / "one_call_a_message.py",
            handler="one_call_a_message.handler",
            event={},
            sent=lambda answer: answer["sent"],
        ),
        BARE: _Producer(
            source=FUNCTIONS / "bare_loop.py",
            handler="bare_loop.handler",
            event={"connections": BARE_CONNECTIONS},
            sent=lambda answer: answer["sent"],
        ),
    }
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, producer in contenders.items():
            values[name].append(producer.rate(cloud, duration_seconds))
    return Figure(
        name="producer at full speed",
        unit="messages/s",
        meaning="One function's worth of load, counted exactly all the same.",
        values=values,
        targets=[Target(against=ONE_CALL, at_least=8), Target(against=BARE, at_least=0.9)],
    )


@dataclass(frozen=True, kw_only=True)
class _Producer:
    source: Path
    handler: str
    event: Mapping[str, object]
    sent: Callable[[dict[str, object]], int]

    def rate(self, cloud: Cloud, duration_seconds: float) -> float:
        """Messages a second into a queue of its own, the worker warm."""
        queue_url = cloud.queue()
        environment = {"QUEUE_URL": queue_url, "BODY": BODY, "POWERTOOLS_SERVICE_NAME": "benchmark"}
        function = cloud.function([self.source], self.handler, environment)
        cloud.invoke(function, {**self.event, "duration_s": 0.05})
        answer = cloud.invoke(function, {**self.event, "duration_s": duration_seconds})
        cloud.functions.delete_function(FunctionName=function)
        cloud.sqs.delete_queue(QueueUrl=queue_url)
        return self.sent(answer) / duration_seconds
