"""A queue for each way in which a consumer can be wrong."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[3]))

from components import (  # noqa: E402
    AlarmArgs,
    ConsumerArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
)

# One alarm rings at the first dead letter, the other at the second.
ALARMS = {"swallows": AlarmArgs(), "drops": AlarmArgs(dead_letters_above=1)}

for consumer in ("raises", "swallows", "drops", "wrong_ids", "loops"):
    function = PythonFunctionArgs(
        source=HERE / "consumers", handler=f"wrong.{consumer}", timeout_seconds=1
    )
    ReliableQueue(
        consumer.replace("_", "-"),
        ReliableQueueArgs(
            consumer=ConsumerArgs(function=function),
            visibility_timeout_seconds=2,
            max_receive_count=1000 if consumer == "loops" else 2,
            alarms=ALARMS.get(consumer),
            has_dashboard=False,
        ),
    )
