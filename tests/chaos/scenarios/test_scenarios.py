"""Generated scenarios: whatever comes together, no message is lost, doubled or misrouted.

The law: every message that was sent ends in exactly one of processed, dead-lettered, still queued;
no good one is dead-lettered unless its own processing, or a run that had it, failed as often as it
may be received. In a FIFO queue a message may have lost receives to those before it in its group:
it gets its tries at its last receive then, unless the run that has it ends as a whole. What SQS
itself delivers twice at once may be processed by one run and given up by the other.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.chaos.scenarios.our_consumer import Fate, OurConsumer
from tests.unkind.behaviour import MILD, UNKIND, Behaviour
from tests.unkind.queue import Stored
from tests.unkind.world import World

pytestmark = pytest.mark.chaos

EVENT = json.dumps(
    {
        "name": "Quillaume",
        "dob": "1945-10-17",
        "gender": "F",
        "ssn_no": "396144610",
        "data_share_consent": False,
        "evnt_time": "2021-02-06T18:56:59.165483",
    }
)
A_DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A message.

    Attributes:
        is_good: it can be processed.
        group: its message group, in a FIFO queue.
        failing_tries: numbers of the tries that fail for a passing reason.
        after_seconds: when it is sent.
    """

    is_good: bool
    group: int
    failing_tries: frozenset[int]
    after_seconds: int


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Everything that is drawn.

    Attributes:
        switches: seconds after which the mapping is switched off, then on, then off, …
    """

    sendings: tuple[Sending, ...]
    fates: tuple[Fate, ...]
    lost_back_offs: frozenset[int]
    receives: int
    batch_size: int
    concurrency: int
    switches: tuple[int, ...]
    seed: int


SCENARIOS = st.builds(
    Scenario,
    sendings=st.lists(
        st.builds(
            Sending,
            is_good=st.sampled_from([True, True, True, False]),
            group=st.integers(0, 3),
            failing_tries=st.frozensets(st.integers(0, 4), max_size=3),
            after_seconds=st.sampled_from([0, 0, 0, 1, 5, 61, 200]),
        ),
        min_size=1,
        max_size=25,
    ).map(tuple),
    fates=st.lists(st.sampled_from(("well", "well", *get_args(Fate))), max_size=12).map(tuple),
    lost_back_offs=st.frozensets(st.integers(0, 10), max_size=5),
    receives=st.integers(1, 5),
    batch_size=st.integers(1, 10),
    concurrency=st.integers(1, 5),
    switches=st.lists(st.integers(0, 300), max_size=4, unique=True).map(sorted).map(tuple),
    seed=st.integers(0, 2**32),
)
# As unkind as AWS, but for a copy of a deleted message: it would be a second message of this world.
BEHAVIOURS = {
    "mild": MILD,
    "short receives": dataclasses.replace(UNKIND, delivers_twice=0, keeps_deleted=0),
    "twice": dataclasses.replace(UNKIND, delivers_twice=0.3, keeps_deleted=0),
}


class Played:
    """A scenario that was played to its end."""

    def __init__(self, scenario: Scenario, behaviour: Behaviour, *, is_fifo: bool) -> None:
        suffix = ".fifo" if is_fifo else ""
        self.scenario = scenario
        self.world = World(behaviour, seed=scenario.seed)
        self.dlq = self.world.add_queue(f"dlq{suffix}")
        self.queue = self.world.add_queue(
            f"queue{suffix}",
            dead_letters=self.dlq,
            receives=scenario.receives,
            VisibilityTimeout="60",
        )
        self.letters = [
            self._letter(number, sending, is_fifo=is_fifo)
            for number, sending in enumerate(scenario.sendings)
        ]
        self.consumer = OurConsumer(
            is_fifo=is_fifo,
            fates=scenario.fates,
            lost_back_offs=scenario.lost_back_offs,
            failing_tries={
                letter.message_id: sending.failing_tries
                for letter, sending in zip(self.letters, scenario.sendings, strict=True)
            },
        )
        self._play()

    def _letter(self, number: int, sending: Sending, *, is_fifo: bool) -> Stored:
        texts = {"run_id": "run", "seq": str(number)}
        if sending.is_good:
            texts["store_id"] = "3"
        attributes = {
            name: {"DataType": "String", "StringValue": text} for name, text in texts.items()
        }
        group = {"MessageGroupId": f"store-{sending.group + 1}"} if is_fifo else {}
        return self.world.letter(EVENT, attributes, receives=0, **group)

    def _play(self) -> None:
        world, scenario = self.world, self.scenario
        began = world.time.now
        mapping = world.add_mapping(
            self.queue,
            self.consumer,
            batch_size=scenario.batch_size,
            concurrency=1 if self.queue.is_fifo else scenario.concurrency,
        )

        self.mapping = mapping

        def switch(is_on: bool) -> None:
            mapping.is_enabled = is_on
            mapping.look()

        for letter, sending in zip(self.letters, scenario.sendings, strict=True):
            world.time.at(
                began + sending.after_seconds,
                lambda letter=letter: world.put(self.queue, [letter]),
            )
        for number, seconds in enumerate(scenario.switches):
            world.time.at(began + seconds, lambda is_on=number % 2 == 1: switch(is_on))
        with self.consumer.at_work(self.queue.url, scenario.receives):
            world.pause(A_DAY_SECONDS)

    def ends(self, letter: Stored) -> list[str]:
        """Where a message is."""
        there = {
            "queued": self.queue.messages(),
            "dead-lettered": self.dlq.messages(),
        }
        ends = [
            end
            for end, messages in there.items()
            for message in messages
            if message.message_id == letter.message_id
        ]
        return ends + ["processed"] * self.world.ledger.processed[letter.content]


def assert_law(played: Played) -> None:
    consumer, receives = played.consumer, played.scenario.receives
    for letter, sending in zip(played.letters, played.scenario.sendings, strict=True):
        message_id = letter.message_id
        (end,) = played.ends(letter)
        assert len(consumer.deliveries[message_id]) <= receives
        if played.mapping.is_enabled:
            assert end != "queued"
        if not sending.is_good:
            assert end != "processed"
        elif end == "dead-lettered" and message_id not in played.mapping.outrun:
            failed = consumer.failures[message_id] + consumer.struck[message_id]
            may_lack = played.queue.is_fifo and message_id in consumer.struck_last
            assert failed >= (1 if may_lack else receives), f"{message_id}: {failed} of {receives}"
        event(f"{'good' if sending.is_good else 'bad'} {end}")


# It was skipped behind another, failed at its last receive for a passing reason, and was given up.
SKIPPED_THEN_FAILED = Scenario(
    sendings=(
        Sending(is_good=True, group=0, failing_tries=frozenset({0}), after_seconds=0),
        Sending(is_good=True, group=0, failing_tries=frozenset({0}), after_seconds=0),
    ),
    fates=(),
    lost_back_offs=frozenset(),
    receives=2,
    batch_size=2,
    concurrency=1,
    switches=(),
    seed=0,
)


@pytest.mark.parametrize("is_fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@given(scenario=SCENARIOS)
@example(scenario=SKIPPED_THEN_FAILED)
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_every_message_ends_in_one_place_and_good_ones_only_fail_by_themselves(
    behaviour: str, is_fifo: bool, scenario: Scenario
) -> None:
    assert_law(Played(scenario, BEHAVIOURS[behaviour], is_fifo=is_fifo))
