"""Which environment variables Lambda takes: how many bytes of them, and under which names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from automation.local.resources.schema import Failure
from automation.local.resources.values import Properties, members_of

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_ENVIRONMENT_BYTES: Final = 4096
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_RESERVED_VARIABLES: Final = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)


def environment_failures(inputs: Properties) -> Iterator[Failure]:
    """What is wrong with `environment.variables`; unknown values count as empty."""
    variables = members_of(members_of(inputs.get("environment")).get("variables"))
    known = {key: value for key, value in variables.items() if isinstance(value, str)}
    reserved = sorted(_RESERVED_VARIABLES & variables.keys())
    if reserved:
        reason = f"has variables that Lambda sets itself: {', '.join(reserved)}"
        yield Failure("environment", f"environment.variables {reason}")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in known.items())
    if size > _MAX_ENVIRONMENT_BYTES:
        reason = f"takes {size} bytes; allowed: {_MAX_ENVIRONMENT_BYTES}"
        yield Failure("environment", f"environment.variables {reason}")
