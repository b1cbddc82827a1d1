"""What Lambda takes of a function, and CloudWatch Logs of its log group."""

import re
from collections.abc import Mapping

from .ranges import Limit, LimitError

FUNCTION_TIMEOUT = Limit(1, 900, "seconds", "AWS Lambda Developer Guide, Lambda quotas")
FUNCTION_MEMORY = Limit(128, 10_240, "MB", "AWS Lambda Developer Guide, Lambda quotas")
# AWS accepts 0 too, where nothing runs, and 1, which is below the least a mapping polls with.
RESERVED_CONCURRENCY = Limit(
    2,
    10_000,
    "concurrent executions",
    "AWS Lambda Developer Guide, Using Lambda with SQS, Configuring maximum concurrency: at least 2"
    " (the upper end is the account's quota)",
)

_VPC = "AWS Lambda API Reference, VpcConfig; a VPC needs one of each"
SUBNETS = Limit(1, 16, "subnets", _VPC)
SECURITY_GROUPS = Limit(1, 5, "security groups", _VPC)

# Amazon CloudWatch Logs API Reference, PutRetentionPolicy, retentionInDays.
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653),
)

# AWS Lambda Developer Guide, Lambda quotas, Function layers.
MAX_LAYERS = 5

# AWS Lambda Developer Guide, Lambda quotas, Deployment package: 50 MB zipped when uploaded through
# the API, 250 MB unzipped, which a function and its layers share (262,144,000 bytes in its error).
MAX_ZIPPED_BYTES = 50 * 1024 * 1024
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024

# AWS Lambda API Reference, CreateFunction, Handler.
MAX_HANDLER_LENGTH = 128
_HANDLER = re.compile(r"\S+\.\S+")

# AWS Lambda Developer Guide, Lambda quotas, Environment variables: names and values together.
MAX_ENVIRONMENT_BYTES = 4_096
# AWS Lambda API Reference, Environment.
_VARIABLE = re.compile(r"[A-Za-z][0-9A-Za-z_]+")
# AWS Lambda Developer Guide, Working with environment variables, Defined runtime environment
# variables: the reserved ones.
RESERVED_VARIABLES = frozenset(
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


def function_timeout(seconds: float) -> int:
    """A timeout that is known late, in seconds; refuses what is none.

    What another stack tells is a float: the engine knows one kind of number.
    """
    whole = int(seconds)
    FUNCTION_TIMEOUT.check("timeout_seconds", whole if whole == seconds else seconds)
    return whole


def check_handler(handler: str) -> None:
    """Refuse a handler that names no function in a module, or that is too long for Lambda."""
    if not _HANDLER.fullmatch(handler) or len(handler) > MAX_HANDLER_LENGTH:
        raise LimitError(
            f"handler = {handler!r} is not of the form module.function, without spaces and with up "
            f"to {MAX_HANDLER_LENGTH} characters"
        )


def check_environment(variables: Mapping[str, object]) -> None:
    """Refuse variables that Lambda does not take or sets itself; unknown values count as empty."""
    for name in variables:
        if name in RESERVED_VARIABLES:
            raise LimitError(f"environment has the variable {name!r}, which Lambda sets itself")
        if not _VARIABLE.fullmatch(name):
            raise LimitError(
                f"environment has the variable {name!r}; allowed: 2 or more letters, digits and "
                "underscores, a letter first"
            )
    known = "".join(f"{name}{value}" for name, value in variables.items() if isinstance(value, str))
    size = len(known.encode())
    if size > MAX_ENVIRONMENT_BYTES:
        raise LimitError(
            f"environment takes {size} bytes; allowed: 0 to {MAX_ENVIRONMENT_BYTES}, names and "
            "values together"
        )


def check_layers(count: int) -> None:
    """Refuse more layers than a function takes. Source: AWS Lambda Developer Guide, quotas."""
    if count > MAX_LAYERS:
        raise LimitError(
            f"layers and dependencies are {count} layers together; allowed: 0 to {MAX_LAYERS}"
        )


def check_log_retention(argument: str, value: object) -> None:
    """Refuse a number of days that CloudWatch Logs has no retention period for."""
    # True equals 1, and 14.0 equals 14.
    if type(value) is not int or value not in LOG_RETENTION_DAYS:
        allowed = ", ".join(str(days) for days in LOG_RETENTION_DAYS)
        raise LimitError(
            f"{argument} = {value!r} is not a retention period; allowed, in days: {allowed}"
        )
