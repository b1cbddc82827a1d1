"""A queue for each way in which a consumer can be wrong; the one that swallows has an alarm."""

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
            alarms=AlarmArgs() if consumer == "swallows" else None,
            has_dashboard=False,
        ),
    )
