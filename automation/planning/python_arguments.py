"""A plan as the component's arguments, in Python."""

from automation.planning.plan import Plan
from components import limits

DEFAULTS: dict[str, int] = {
    "batch_size": 10,
    "batching_window_seconds": 0,
    "maximum_concurrency": 10,
    "max_receive_count": 2,
    "retention_seconds": 345_600,
    "timeout_seconds": 10,
    "memory_mb": 256,
}
"""What the component does when an argument is left out: components/arguments.py and its kin."""


def python_arguments(plan: Plan) -> str:
    """The program text; what is the component's default is left out.

    It names `consumer/orders.py` for the function's code, as the README does.
    """
    setting = plan.setting
    function = _call(
        "PythonFunctionArgs",
        ['source=Path("consumer")', 'handler="orders.handler"'],
        timeout_seconds=setting.timeout_seconds,
        memory_mb=plan.memory_mb,
    )
    given: list[str] = [f"function={function}"]
    concurrency = setting.concurrency
    if setting.minimum_pollers is not None:
        pollers = f"minimum={setting.minimum_pollers}, maximum={setting.maximum_pollers}"
        given.append(f"pollers=PollersArgs({pollers})")
        concurrency = DEFAULTS["maximum_concurrency"]
    consumer = _call(
        "ConsumerArgs",
        given,
        batch_size=setting.batch_size,
        batching_window_seconds=setting.batching_window_seconds,
        maximum_concurrency=concurrency,
    )
    fifo = ["fifo=FifoArgs()"] if plan.load.is_fifo else []
    visibility = limits.derived_visibility_timeout_seconds(
        setting.timeout_seconds, setting.batching_window_seconds
    )
    if setting.visibility_timeout_seconds != visibility:
        fifo.append(f"visibility_timeout_seconds={setting.visibility_timeout_seconds}")
    return _call(
        "ReliableQueueArgs",
        [f"consumer={consumer}", *fifo],
        max_receive_count=plan.load.max_receive_count,
        retention_seconds=plan.retention_seconds,
    )


def _call(name: str, first: list[str], **numbers: int) -> str:
    given = first + [
        f"{argument}={value:_}" if value >= 10_000 else f"{argument}={value}"
        for argument, value in numbers.items()
        if value != DEFAULTS[argument]
    ]
    inside = "".join(f"    {line}\n" for argument in given for line in f"{argument},".split("\n"))
    return f"{name}(\n{inside})"
