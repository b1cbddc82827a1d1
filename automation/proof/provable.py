"""Which runs can be proven: the dead-letter queue has to be read whole."""

from automation.deadletters.receiving import IN_FLIGHT_QUOTA
from automation.errors import AutomationError
from automation.proof.report import Options

# While a queue is read every message in it is in flight, of which SQS allows about 120,000 (SQS
# Developer Guide, "Amazon SQS standard queue quotas", "Amazon SQS FIFO queue quotas"), and our
# reading stops 10,000 short of them. The rest is for chance: bad messages are drawn one by one, and
# of 105,000 that are expected hardly ever 1,300 more will be bad (four standard deviations).
_MOST_DEAD_LETTERS = 105_000
# The highest that --rate takes; without a rate each producer is no faster.
_HIGHEST_RATE = 10_000


def refuse_unprovable(options: Options) -> None:
    """Raise AutomationError when more dead letters are to be expected than can be counted."""
    rate = options.messages_per_second or options.producers * _HIGHEST_RATE
    most = rate * options.duration_seconds
    messages = int(min(most, options.max_messages or most))
    expected = int(messages * options.bad_ratio)
    if expected > _MOST_DEAD_LETTERS:
        fewer = int(_MOST_DEAD_LETTERS / options.bad_ratio)
        raise AutomationError(
            f"up to {messages:,} messages with --bad-ratio {options.bad_ratio:g} make about "
            f"{expected:,} dead letters; at most {_MOST_DEAD_LETTERS:,} can be proven, because "
            "they are all in flight while the dead-letter queue is read, and SQS allows about "
            f"{IN_FLIGHT_QUOTA:,}: take --messages {fewer} or fewer, or a smaller --bad-ratio"
        )


def refuse_unreadable(dead_letters: int) -> None:
    """Raise AutomationError when so many messages are to be dead-lettered that nobody could count.

    Args:
        dead_letters: how many are expected.
    """
    if dead_letters > _MOST_DEAD_LETTERS:
        raise AutomationError(
            f"--messages: {dead_letters:,} messages are expected to be dead-lettered; at most "
            f"{_MOST_DEAD_LETTERS:,} can be proven, because they are all in flight while the "
            f"dead-letter queue is read, and SQS allows about {IN_FLIGHT_QUOTA:,}: take fewer"
        )
