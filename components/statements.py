"""The statements that others add to a queue's policy, and which of them are refused."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, cast

import pulumi

from . import limits
from .unknowns import holds_outputs, is_late

Texts: TypeAlias = pulumi.Input[str] | Sequence[pulumi.Input[str]]

# The statement of ours: `policies.queue_policy`.
TLS_SID = "RefusePlainHttp"

# IAM User Guide, AWS JSON policy elements: Principal.
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")


class QueueStatement(TypedDict):
    """One statement of a queue's policy; its resource, the queue, is filled in, and a missing Sid.

    Principal, Action and Condition may hold outputs, or be one.
    """

    Sid: NotRequired[str]
    Effect: Literal["Allow", "Deny"]
    Principal: pulumi.Input[Mapping[str, Texts] | Literal["*"]]
    Action: pulumi.Input[str | Sequence[pulumi.Input[str]]]
    Condition: NotRequired[pulumi.Input[Mapping[str, Mapping[str, Texts]]]]


def check_statements(statements: Sequence[QueueStatement]) -> None:
    """Refuse statements of a queue's policy that SQS would not take, or that open it to all.

    What holds outputs is looked at when they are known. Source: Amazon SQS Developer Guide, Using
    custom policies, and Security best practices, Make sure that queues aren't publicly accessible.
    """
    for number, item in enumerate(statements):
        _check_statement(number, cast("Mapping[str, object]", item))
    sids = [item["Sid"] for item in statements if "Sid" in item]
    limits.check_distinct("statements, Sid", [TLS_SID, *sids])


def with_sids(statements: Sequence[QueueStatement]) -> list[Mapping[str, object]]:
    """The statements, each with a Sid: SQS may want one (IAM User Guide, policy elements: Sid)."""
    taken = {item.get("Sid") for item in statements}
    free = (sid for number in range(1, 1_000) if (sid := f"Statement{number}") not in taken)
    return [item if "Sid" in item else {"Sid": next(free), **item} for item in statements]


def _check_statement(number: int, item: Mapping[str, object]) -> None:
    label = f"statements, {item['Sid']}" if "Sid" in item else f"statements[{number}]"
    if "Resource" in item:
        raise limits.LimitError(f"{label}: Resource is the queue and is filled in; leave it out")
    known = QueueStatement.__annotations__
    unknown = [element for element in item if element not in known]
    missing = [element for element in ("Effect", "Principal", "Action") if element not in item]
    if unknown or missing:
        fault = f"has {unknown[0]!r}" if unknown else f"has no {missing[0]}"
        raise limits.LimitError(f"{label}: {fault}; allowed: {', '.join(known)}")
    if not isinstance(item.get("Sid", TLS_SID), str):
        raise limits.LimitError(f"{label}: Sid is not text; give text, or leave it out")
    limits.check_one_of(f"{label}: Effect", item["Effect"], ("Allow", "Deny"))
    _check_actions(label, item["Action"])
    _check_principal(label, item["Principal"])
    _check_condition(label, item.get("Condition", {}))
    if item["Effect"] == "Allow" and not _has_condition(item) and _is_open(item["Principal"]):
        raise limits.LimitError(
            f"{label}: allows everybody in the world; name a Principal, or add a Condition"
        )


def _check_actions(label: str, given: object) -> None:
    actions = _texts(f"{label}: Action", given, "'sqs:SendMessage'")
    # IAM User Guide, policy elements: Action: the case of its letters doesn't matter.
    foreign = [action for action in actions if not action.lower().startswith("sqs:")]
    if foreign:
        raise limits.LimitError(
            f"{label}: Action = {foreign[0]!r} is not SQS's; allowed: sqs:..., as sqs:SendMessage"
        )


def _check_principal(label: str, given: object) -> None:
    if is_late(given) or given == "*":
        return
    if not isinstance(given, Mapping) or not given:
        raise limits.LimitError(
            f'{label}: Principal = {given!r}; allowed: {{"AWS": "123456789012"}}, an ARN in place '
            'of the account, {"Service": "sns.amazonaws.com"}, or "*"'
        )
    for kind, who in cast("Mapping[object, object]", given).items():
        limits.check_one_of(f"{label}: Principal", kind, _PRINCIPALS)
        _texts(f"{label}: Principal, {kind}", who, "'123456789012' or an ARN")


def _check_condition(label: str, given: object) -> None:
    if is_late(given):
        return
    operators: list[object] = [given]
    if isinstance(given, Mapping):
        operators = list(cast("Mapping[object, object]", given).values())
    if not all(isinstance(keys, Mapping) or is_late(keys) for keys in operators):
        raise limits.LimitError(
            f'{label}: Condition = {given!r}; allowed: as {{"ArnEquals": {{"aws:SourceArn": arn}}}}'
        )


def _texts(argument: str, given: object, example: str) -> list[str]:
    """The texts that are known of one or a list of them."""
    every = list(cast("Sequence[object]", given)) if isinstance(given, list | tuple) else [given]
    for item in every or [given]:
        if not isinstance(item, str) and not is_late(item):
            raise limits.LimitError(
                f"{argument} = {item!r} is no text; give {example}, or a list of such"
            )
    return [item for item in every if isinstance(item, str)]


def _has_condition(item: Mapping[str, object]) -> bool:
    """Whether a statement's condition asks for anything; one of operators without keys does not."""
    condition = item.get("Condition")
    if isinstance(condition, Mapping):
        asked = cast("Mapping[str, object]", condition).values()
        return any(is_late(keys) or keys for keys in asked)
    return condition is not None


def _is_open(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        return any(map(_is_open, cast("Mapping[str, object]", principal).values()))
    # An output is equal to itself alone.
    return "*" in principal if isinstance(principal, list | tuple) else principal == "*"


def hold_outputs(statements: Sequence[QueueStatement]) -> bool:
    """Whether statements have to be looked at again once everything is known."""
    return any(map(holds_outputs, statements))
