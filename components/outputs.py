"""The stack's outputs: one definition for the program that writes them and everything that reads.

`outputs.schema.json` beside it says the same to other languages. Names are added, never renamed
or reused.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, cast


class OutputsError(ValueError):
    """Stack outputs that are not those of this project: something is missing or of another type."""


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """What a deployed stack tells; `queue_url` here is `queueUrl` among the outputs."""

    queue_url: str
    """URL of the queue: where to send to."""
    queue_arn: str
    """ARN of the queue."""
    queue_name: str
    """Name of the queue, the `QueueName` dimension of its metrics."""
    dlq_url: str
    """URL of the dead-letter queue."""
    dlq_arn: str
    """ARN of the dead-letter queue."""
    dlq_name: str
    """Name of the dead-letter queue."""
    consumer_function_name: str
    """Name of the Lambda function that processes the messages."""
    consumer_function_arn: str
    """ARN of the consumer."""
    consumer_log_group_name: str
    """CloudWatch log group of the consumer."""
    producer_function_name: str
    """Name of the Lambda function that stands for the stores."""
    producer_function_arn: str
    """ARN of the producer."""
    producer_log_group_name: str
    """CloudWatch log group of the producer."""
    alarm_names: tuple[str, ...]
    """Names of the CloudWatch alarms that watch the queue; a list among the outputs."""
    alarm_topic_arn: str
    """ARN of the SNS topic that hears of ALARM and of OK."""
    region: str
    """AWS region of the stack."""
    send_policy_arn: str
    """ARN of the managed policy that allows to send to the queue, and nothing else."""
    consume_policy_arn: str
    """ARN of the managed policy that allows to receive from the queue and delete what is done."""
    operator_policy_arn: str
    """ARN of the managed policy that allows what the operator's commands do."""
    dashboard_name: str
    """Name of the CloudWatch dashboard."""

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, object]) -> Self:
        """Read the outputs of a stack, by their camelCase names; others are ignored.

        Raises `OutputsError` that names everything that is missing or of a wrong type.
        """
        values = {name: outputs.get(output_name(name)) for name in FIELDS}
        wrong = [_complaint(name, value) for name, value in values.items()]
        complaints = [complaint for complaint in wrong if complaint]
        if complaints:
            raise OutputsError(
                "these are not the outputs of this project: " + "; ".join(complaints)
            )
        names = cast("Sequence[str]", values.pop("alarm_names"))
        return cls(alarm_names=tuple(names), **cast("dict[str, str]", values))


FIELDS = tuple(field.name for field in dataclasses.fields(StackOutputs))


def output_name(field: str) -> str:
    """The name among the stack's outputs of a field of `StackOutputs`: `queue_url`, `queueUrl`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), field)


def exports(**values: object) -> dict[str, object]:
    """What a program exports, by output name, from values by field name.

    The values are Pulumi's outputs while a program runs, hence `object`. Raises `TypeError` unless
    there is exactly one for each field.
    """
    different = sorted(set(FIELDS) ^ values.keys())
    if different:
        raise TypeError(f"stack outputs missing or unknown: {', '.join(different)}")
    return {output_name(name): values[name] for name in FIELDS}


def _complaint(name: str, value: object) -> str | None:
    expected, fits = "a string", isinstance(value, str) and value != ""
    if name == "alarm_names":
        expected, fits = "a list of strings", _is_list_of_strings(value)
    if fits:
        return None
    if value is None:
        return f"{output_name(name)} is missing"
    return f"{output_name(name)} is not {expected}"


def _is_list_of_strings(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return all(isinstance(item, str) for item in cast("Sequence[object]", value))
