"""Publishes Lambda's metrics for every invocation, and lets mappings run into throttling.

The emulator counts the invocations of one API only, not those of mappings, and twice where it
throttles; its mappings never ask for more than the function has reserved.
"""

import time
from typing import Any

from automation.local.corrections.replacing import replace, require, service


def apply() -> None:
    """Count at the one place that every invocation passes."""
    functions, cloudwatch = service("lambda_svc"), service("cloudwatch")
    require(cloudwatch, record_metric="namespace metric_name value unit dimensions")

    def publish(function_name: str, unit: str = "Count", **values: float) -> None:
        for name, value in values.items():
            cloudwatch.record_metric(
                "AWS/Lambda", name, value, unit, {"FunctionName": function_name}
            )

    def dispatch(func: Any, config: Any, event: Any, request_id: Any, started: Any) -> Any:
        result = original_dispatch(func, config, event, request_id, started)
        name, milliseconds = config.get("FunctionName", ""), (time.time() - started) * 1000
        if result.get("throttle"):
            publish(name, Throttles=1)
            return result
        publish(name, Invocations=1, Errors=int(bool(result.get("error"))), Throttles=0)
        publish(name, "Milliseconds", Duration=milliseconds)
        return result

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # The one call without a duration is that for an invocation which was refused a place;
        # it is no invocation and no error (AWS Lambda Developer Guide, Types of metrics for Lambda
        # functions). The others tell of what was counted above.
        del error
        if throttle and not duration_ms:
            publish(function_name, Throttles=1)

    def concurrency(esm: Any, func_rec: Any, config: Any, queue: Any = None) -> int:
        del func_rec, config
        # AWS does not look at what the function has reserved; the invocation is throttled instead
        # (AWS Lambda Developer Guide, Configuring scaling behavior for SQS event source mappings).
        return original_concurrency(esm, {}, {}, queue)

    original_dispatch = replace(functions, "_execute_function_dispatch", dispatch)
    replace(functions, "_emit_lambda_metrics", emit)
    original_concurrency = replace(functions, "_sqs_esm_concurrency", concurrency)
