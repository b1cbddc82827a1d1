"""The consumer beside others on the same queue: what becomes of bad messages."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import solutions_constructs
from benchmarks.embedded import FUNCTIONS, OUR_FUNCTIONS, Cloud
from benchmarks.figures import OURS, Figure, Target

EMPTY = "an empty handler"
POWERTOOLS = "Powertools' defaults"
RAISING = "raising for the batch"
CONSTRUCTS = "Solutions Constructs"
# The work on a message, and what is logged of a batch.
OUR_WORK = ("customer_events.py", "log_records.py")


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A function that takes a queue's messages; `reports_failures` one by one, or raises."""

    sources: Sequence[Path]
    handler: str
    reports_failures: bool = True

    def attach(self, cloud: Cloud, queue_url: str) -> str:
        """Gives it a queue; returns the mapping's id."""
        environment = {
            "QUEUE_URL": queue_url,
            "MAX_RECEIVE_COUNT": "2",
            "POWERTOOLS_SERVICE_NAME": "benchmark",
        }
        function = cloud.function(self.sources, self.handler, environment)
        return cloud.mapping(queue_url, function, reports_failures=self.reports_failures)


CONSUMERS: Mapping[str, Consumer] = {
    OURS: Consumer(sources=[OUR_FUNCTIONS / "consumer"], handler="consumer.handler"),
    EMPTY: Consumer(sources=[FUNCTIONS / "acknowledge_all.py"], handler="acknowledge_all.handler"),
    POWERTOOLS: Consumer(
        sources=[
            FUNCTIONS / "powertools_defaults.py",
            *(OUR_FUNCTIONS / "consumer" / name for name in OUR_WORK),
        ],
        handler="powertools_defaults.handler",
    ),
    RAISING: Consumer(
        sources=[FUNCTIONS / "raise_for_the_batch.py"],
        handler="raise_for_the_batch.handler",
        reports_failures=False,
    ),
}


def dead_lettering(cloud: Cloud, rounds: int) -> Figure:
    """From the first delivery of a bad message to its arrival among the dead letters.

    The queue hides a message for 60 s and gives it up after two receives. All rounds at once:
    they wait and do nothing else.
    """

    def seconds(name: str) -> float:
        queue_url = cloud.queue(visibility_seconds=60, max_receive_count=2)
        CONSUMERS[name].attach(cloud, queue_url)
        cloud.fill(queue_url, [True])
        cloud.wait_for(f"{queue_url}-dlq", 1)
        arrived = time.time()
        (letter,) = cloud.sqs.receive_message(
            QueueUrl=f"{queue_url}-dlq",
            MessageSystemAttributeNames=["ApproximateFirstReceiveTimestamp"],
        )["Messages"]
        first = letter["Attributes"]["ApproximateFirstReceiveTimestamp"]
        return arrived - int(first) / 1000

    names = [OURS, RAISING] * rounds
    with ThreadPoolExecutor(len(names)) as pool:
        found = list(pool.map(seconds, names))
    return Figure(
        name="first delivery to dead-letter queue, 60 s visibility, 2 receives",
        unit="s",
        meaning="A poison pill is out of the way, and its alarm on the way, after seconds; by "
        "retries after the visibility timeout it takes that timeout twice.",
        values={OURS: found[::2], RAISING: found[1::2]},
        targets=[Target(against=RAISING, at_most=0.05)],
    )


def good_dead_letters(cloud: Cloud, rounds: int, messages: int = 100) -> Figure:
    """How many good messages end among the dead letters when every fourth is bad."""
    bad = [seq % 4 == 0 for seq in range(messages)]
    values: dict[str, list[float]] = {OURS: [], RAISING: []}
    for _ in range(rounds):
        for name, found in values.items():
            # Short, so that a consumer that raises is done with it in this life.
            queue_url = cloud.queue(visibility_seconds=2, max_receive_count=2)
            cloud.fill(queue_url, bad)
            mapping = CONSUMERS[name].attach(cloud, queue_url)
            cloud.wait_for(queue_url, 0)
            cloud.unmap(mapping)
            found.append(cloud.count(f"{queue_url}-dlq") - sum(bad))
    with solutions_constructs.deployed(cloud, FUNCTIONS / "raise_for_the_batch.py") as theirs:
        if theirs is not None:
            cloud.fill(theirs.queue_url, bad)
            cloud.wait_for(theirs.queue_url, 0)
            values[CONSTRUCTS] = [float(cloud.count(theirs.dlq_url) - sum(bad))]
    return Figure(
        name=f"good messages dead-lettered of {messages - sum(bad)}, a quarter bad, batch 10",
        unit="messages",
        meaning="A consumer that raises takes the good messages of its batch down with the bad "
        "one; so does a construct that leaves partial answers off.",
        values=values,
        targets=[Target(at_most=0)],
    )
