"""Names and tags from which AWS accepts the names and tags of all resources."""

import re
from collections.abc import Collection, Mapping

from .ranges import LimitError

# AWS Lambda API Reference, CreateFunction, FunctionName; IAM API Reference, CreateRole, RoleName.
# A queue or topic may have 80 characters, so the function and its role decide.
FUNCTION_NAME_LENGTH = 64

# Pulumi adds a hyphen and seven hexadecimal digits to the name of a resource.
AUTO_NAME_SUFFIX_LENGTH = 8

# Amazon SQS API Reference, CreateQueue, QueueName: 80 characters, of a FIFO queue with `.fifo`.
QUEUE_NAME_LENGTH = 80
FIFO_SUFFIX = ".fifo"
DLQ_SUFFIX = "-dlq"
# What the AWS provider appends to a prefix: a time and a counter.
PREFIX_SUFFIX_LENGTH = 26

# AWS Tagging User Guide, Tag naming limits and requirements. IAM takes the fewest characters: IAM
# API Reference, Tag.
MAX_TAGS = 50
_TAG_KEY = re.compile(r"[\w .:/=+\-@]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+\-@]{0,256}")

_NAME = re.compile(r"[A-Za-z][0-9A-Za-z_-]*")
_QUEUE_NAME = re.compile(r"[0-9A-Za-z_-]+")


def is_fifo(name: str) -> bool:
    """Whether a queue is a FIFO queue, by its name, URL or ARN."""
    return name.endswith(FIFO_SUFFIX)


def is_queue_name(text: str) -> bool:
    """Whether a queue could have this name."""
    bare = text.removesuffix(FIFO_SUFFIX)
    return bool(_QUEUE_NAME.fullmatch(bare)) and len(text) <= QUEUE_NAME_LENGTH


def check_name(name: str, longest_suffix: str) -> None:
    """Refuse a component's name from which AWS would not accept the names of its resources.

    `longest_suffix` is what the component adds for the child with the least room.
    """
    longest = FUNCTION_NAME_LENGTH - AUTO_NAME_SUFFIX_LENGTH - len(longest_suffix)
    if len(name) > longest or not _NAME.fullmatch(name):
        raise LimitError(
            f"name = {name!r} ({len(name)} characters) can't be used; allowed: 1 to {longest} "
            "letters, digits, hyphens and underscores, a letter first (its resources are called "
            f"{name[:20]}{longest_suffix}-1a2b3c4 and the like, and AWS allows "
            f"{FUNCTION_NAME_LENGTH} characters)"
        )


def check_queue_names(name: str | None, prefix: str | None, *, is_fifo: bool) -> None:
    """Refuse a fixed name, or a prefix, from which SQS would not accept the names of two queues."""
    if name is not None and prefix is not None:
        raise LimitError(
            f"queue_name = {name!r} and queue_name_prefix = {prefix!r} exclude each other: give "
            "one of them"
        )
    longest = QUEUE_NAME_LENGTH - len(DLQ_SUFFIX) - (len(FIFO_SUFFIX) if is_fifo else 0)
    _check_queue_name("queue_name", name, longest)
    _check_queue_name("queue_name_prefix", prefix, longest - PREFIX_SUFFIX_LENGTH)


def _check_queue_name(argument: str, value: str | None, longest: int) -> None:
    if value is not None and not (_QUEUE_NAME.fullmatch(value) and len(value) <= longest):
        raise LimitError(
            f"{argument} = {value!r} ({len(value)} characters) can't be used; allowed: 1 to "
            f"{longest} letters, digits, hyphens and underscores ({DLQ_SUFFIX} and, for a FIFO "
            f"queue, {FIFO_SUFFIX} are added, and SQS allows {QUEUE_NAME_LENGTH} characters)"
        )


def check_tags(tags: Mapping[str, object]) -> None:
    """Refuse tags that some service would not take; of unknown values only the keys are known.

    IAM keeps one key in one case only: IAM User Guide, Tags for IAM resources, Case sensitivity.
    """
    if len(tags) > MAX_TAGS:
        raise LimitError(f"tags has {len(tags)} entries; allowed: 0 to {MAX_TAGS}")
    spelt: dict[str, str] = {}
    for key, value in tags.items():
        other = spelt.setdefault(key.lower(), key)
        if other != key:
            raise LimitError(
                f"tags has the keys {other!r} and {key!r}, which are the same to IAM; use one case"
            )
        if not _TAG_KEY.fullmatch(key) or key.lower().startswith("aws:"):
            raise LimitError(
                f"tags has the key {key!r}; allowed: 1 to 128 letters, digits, spaces and _.:/=+-@,"
                " not beginning with aws:"
            )
        if isinstance(value, str) and not _TAG_VALUE.fullmatch(value):
            raise LimitError(
                f"tags[{key!r}] = {value!r}; allowed: 0 to 256 letters, digits, spaces and _.:/=+-@"
            )


def check_distinct(argument: str, names: Collection[str]) -> None:
    """Refuse names of which two are the same."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise LimitError(f"{argument}: {', '.join(twice)} is there twice; names must differ")
