"""What names something that exists already: ARNs, and names where AWS takes names."""

import re
from collections.abc import Sequence

from .ranges import LimitError

_PARTITION = r"arn:aws[a-z-]*"
_ACCOUNT = r"\d{12}"
# AWS KMS Developer Guide, Key identifiers, Key ARN.
_KEY = re.compile(rf"{_PARTITION}:kms:[a-z0-9-]+:{_ACCOUNT}:key/[0-9A-Za-z-]+")
# Amazon SNS API Reference, CreateTopic, Name: 256 characters.
_TOPIC = re.compile(rf"{_PARTITION}:sns:[a-z0-9-]+:{_ACCOUNT}:[0-9A-Za-z_-]{{1,256}}(\.fifo)?")
# Amazon SQS API Reference, CreateQueue, QueueName: 80 characters, of a FIFO queue with `.fifo`.
_QUEUE = re.compile(
    rf"{_PARTITION}:sqs:[a-z0-9-]+:{_ACCOUNT}:([0-9A-Za-z_-]{{1,80}}|[0-9A-Za-z_-]{{1,75}}\.fifo)"
)
# AWS Lambda API Reference, GetLayerVersionByArn, Arn.
_LAYER = re.compile(rf"{_PARTITION}:lambda:[a-z0-9-]+:{_ACCOUNT}:layer:[0-9A-Za-z_-]+:\d+")
# AWS Lambda API Reference, CreateEventSourceMapping, FunctionName: a whole ARN, or one that begins
# later, down to the name alone; each with a version or an alias behind it or not.
_NAME = r"[0-9A-Za-z_-]{1,64}(:(\$LATEST|[0-9A-Za-z_-]+))?"
_WHOLE_FUNCTION = re.compile(rf"{_PARTITION}:lambda:[a-z0-9-]+:{_ACCOUNT}:function:{_NAME}")
_PART_OF_FUNCTION = re.compile(
    rf"((?P<region>[a-z]{{2,}}(-[a-z]+)+-\d):)?((?P<account>{_ACCOUNT}):)?(function:)?(?P<name>{_NAME})"
)
# IAM API Reference, CreateRole, RoleName.
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
# CloudWatch Logs API Reference, CreateLogGroup, logGroupName.
_LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
# AWS Lambda API Reference, VpcConfig.
_VPC_IDS = {"subnet": re.compile(r"subnet-[0-9a-z]+"), "sg": re.compile(r"sg-[0-9A-Za-z]+")}


def check_key_arn(argument: str, value: str) -> None:
    """Refuse what is not the ARN of a KMS key: policies can't name a key by its id or alias."""
    if not _KEY.fullmatch(value):
        is_alias = "alias/" in value
        raise LimitError(
            f"{argument} = {value!r} is {'an alias' if is_alias else 'no ARN of a key'}, and the "
            "policies of senders and consumers can name a key by its ARN alone; give "
            + (
                "aws.kms.get_alias(name=...).target_key_arn, or its key's ARN"
                if is_alias
                else "the arn of the aws.kms.Key, as arn:aws:kms:eu-north-1:123456789012:key/..."
            )
        )


def check_topic_arn(argument: str, value: str) -> None:
    """Refuse what is not the ARN of an SNS topic: an alarm takes nothing else."""
    if not _TOPIC.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} is no ARN of a topic; give the arn of the aws.sns.Topic, as "
            "arn:aws:sns:eu-north-1:123456789012:name"
        )


def check_queue_arn(argument: str, value: str) -> None:
    """Refuse what is not the ARN of a queue: by name or URL alone its account isn't known."""
    if not _QUEUE.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} is no ARN of a queue; give the arn of the aws.sqs.Queue, or "
            "aws.sqs.get_queue(name=...).arn, as arn:aws:sqs:eu-north-1:123456789012:name"
        )


def check_layer_arn(argument: str, value: str) -> None:
    """Refuse what is not the ARN of a layer's version: a function takes nothing else."""
    if not _LAYER.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} is no ARN of a layer's version; give the arn of the "
            "aws.lambda_.LayerVersion, as arn:aws:lambda:eu-north-1:123456789012:layer:name:1"
        )


def check_function(argument: str, value: str) -> None:
    """Refuse what names no function: Lambda takes a name, a partial ARN or an ARN."""
    known = _WHOLE_FUNCTION if value.startswith("arn:") else _PART_OF_FUNCTION
    if not known.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} names no function; give its ARN, as "
            "arn:aws:lambda:eu-north-1:123456789012:function:name, or its name alone when it is in "
            "the queue's account and region"
        )


def whole_function_arn(value: str, queue_arn: str) -> str:
    """The ARN of a function that may be named shorter: it is where its queue is.

    Raises `LimitError` when it names no function.
    """
    check_function("function_arn", value)
    part = _PART_OF_FUNCTION.fullmatch(value)
    if value.startswith("arn:") or part is None:
        return value
    _, partition, _, region, account_id, _ = queue_arn.split(":")
    region, account_id = part["region"] or region, part["account"] or account_id
    return f"arn:{partition}:lambda:{region}:{account_id}:function:{part['name']}"


def check_role_name(argument: str, value: str) -> None:
    """Refuse what IAM does not take as the name of a role, an ARN for instance."""
    if value.startswith("arn:"):
        raise LimitError(
            f"{argument} = {value!r} is an ARN; give the role's name, {value.rpartition('/')[2]!r}"
        )
    if not _ROLE.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} is no name of a role; allowed: 1 to 64 letters, digits and "
            "_+=,.@-"
        )


def check_log_group(argument: str, value: str) -> None:
    """Refuse what is no name of a log group; a `*` would let operators read every log."""
    if value.startswith("arn:"):
        name = value.removesuffix(":*").rpartition(":")[2]
        raise LimitError(f"{argument} = {value!r} is an ARN; give the log group's name, {name!r}")
    if not _LOG_GROUP.fullmatch(value):
        raise LimitError(
            f"{argument} = {value!r} is no name of a log group; allowed: 1 to 512 letters, digits "
            "and .-_/#"
        )


def check_vpc_ids(argument: str, kind: str, values: Sequence[object]) -> None:
    """Refuse what is known and no id of the kind `subnet` or `sg`."""
    for index, value in enumerate(values):
        if isinstance(value, str) and not _VPC_IDS[kind].fullmatch(value):
            raise LimitError(
                f"{argument}[{index}] = {value!r} is no id; give the id, as {kind}-0123456789abcdef"
            )
