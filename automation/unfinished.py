"""Destroy a stack whatever state its last engine has left it in.

An engine that is killed knows of each resource that it had begun to make, but not whether that
came to pass; the next one leaves these out, and they would stay in the account for ever. Of what a
provider had begun when it died it keeps no note at all.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError
from pulumi.automation import OpType, Stack
from pulumi.automation.events import EngineEvent

from automation.aws.errors import is_gone
from automation.engine.command import EngineKilledError
from automation.engine.killed import release_killed
from automation.errors import AutomationError
from automation.target import Target

Resource = dict[str, Any]
_Find = Callable[[Resource, Target], str | None]


def destroy_stack(
    stack: Stack,
    target: Target,
    states: Path,
    destroy: Callable[[bool], object],
    *,
    begun: Sequence[Resource] = (),
    is_unfinished: bool = False,
) -> None:
    """Destroy a stack and forget it; once more where the engine is killed meanwhile.

    Args:
        stack: which.
        target: the account that it is in.
        states: folder of its state.
        destroy: does it, and is told whether to take the stack out of the state as well.
        begun: what a provider had begun to make when it died, which the engine does not note.
        is_unfinished: its last engine may have been killed, whether or not a lock says so. Default
            False.

    Raises:
        CommandError: the engine could not; EngineKilledError, when it was killed twice.
        AutomationError: resources may have been made that nobody can find by themselves.
    """
    lost: list[Resource] = []
    for is_last in (False, True):
        if release_killed(states) or begun or is_unfinished:
            lost += take_up(stack, target, begun)
        try:
            destroy(not lost)
            break
        except EngineKilledError:
            if is_last:
                raise
    if lost:
        raise AutomationError(_words(lost))


def begun_in(event: EngineEvent) -> Resource | None:
    """What an event says that a provider had begun to make, and failed to."""
    failed = event.res_op_failed_event
    if failed is None or failed.metadata.new is None or failed.metadata.op != OpType.CREATE:
        return None
    new = failed.metadata.new
    return {
        "urn": new.urn,
        "custom": True,
        "type": new.type,
        "inputs": dict(new.inputs or {}),
        "parent": new.parent,
        "provider": new.provider,
    }


def take_up(stack: Stack, target: Target, begun: Sequence[Resource] = ()) -> list[Resource]:
    """Let a stack's state say what is there, also of what an engine had begun and not ended.

    Args:
        stack: whose engine was killed.
        target: the account that it is in.
        begun: more of that. What is no longer there is no harm.

    Returns:
        What may be there, and can't be looked for.
    """
    exported = stack.export_stack()
    deployment = cast("Resource", exported.deployment)
    operations = cast("list[Resource]", deployment.pop("pending_operations", None) or [])
    # Left out as long as there is none: a kill may come before the stack itself is noted.
    resources = cast("list[Resource]", deployment.setdefault("resources", []))
    # Nothing depends on what was not ended; what it depends on itself is there already.
    known = [resource["urn"] for resource in resources]
    unfinished = [
        *(operation["resource"] for operation in operations if operation["type"] == "creating"),
        *({**resource, "dependencies": known} for resource in begun),
    ]
    lost: list[Resource] = []
    for resource in unfinished:
        kind = str(resource["type"])
        if resource["urn"] in known:
            continue
        if kind in _FINDERS:
            if found := _FINDERS[kind](resource, target):
                resources.append({**resource, "id": found})
        elif resource.get("custom") and kind not in _GO_WITH_ANOTHER and ":providers:" not in kind:
            lost.append(resource)
    stack.import_stack(exported)
    # It drops again what was never made, and learns the rest of what was.
    stack.refresh()
    return lost


def _words(lost: list[Resource]) -> str:
    names = ", ".join(
        f"{resource['type']} {resource['urn'].rpartition('::')[2]}" for resource in lost
    )
    return (
        f"the engine was killed while it made what nothing here can look for: {names}. Look for "
        "it in the account by the run's tag, and delete it; the rest is destroyed"
    )


def _input(name: str) -> _Find:
    """For what is known by a name that the program or the engine has chosen before."""
    return lambda resource, _: cast("str | None", resource["inputs"].get(name))


def _arn(service: str, prefix: str = "") -> _Find:
    def find(resource: Resource, target: Target) -> str:
        partition = target.clients.session.get_partition_for_region(target.region)
        region = "" if service == "iam" else target.region
        path = resource["inputs"].get("path", "/") if service == "iam" else ""
        name = resource["inputs"]["name"]
        return f"arn:{partition}:{service}:{region}:{target.account_id}:{prefix}{path}{name}"

    return find


def _queue(resource: Resource, target: Target) -> str | None:
    try:
        return target.clients.sqs.get_queue_url(QueueName=resource["inputs"]["name"])["QueueUrl"]
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def _newest_layer_version(resource: Resource, target: Target) -> str | None:
    name = resource["inputs"]["layerName"]
    found = target.clients.functions.list_layer_versions(LayerName=name, MaxItems=1)
    versions = found.get("LayerVersions", [])
    return versions[0].get("LayerVersionArn") if versions else None


def _mapping(resource: Resource, target: Target) -> str | None:
    inputs = resource["inputs"]
    found = target.clients.functions.list_event_source_mappings(
        EventSourceArn=inputs["eventSourceArn"], FunctionName=inputs["functionName"]
    )["EventSourceMappings"]
    return found[0].get("UUID") if found else None


def _of_role(name: str, separator: str) -> _Find:
    def find(resource: Resource, _: Target) -> str:
        return f"{resource['inputs']['role']}{separator}{resource['inputs'][name]}"

    return find


# How the official provider knows each (Pulumi Registry, AWS Classic, "Import" of each resource).
_FINDERS: Mapping[str, _Find] = {
    "aws:cloudwatch/dashboard:Dashboard": _input("dashboardName"),
    "aws:cloudwatch/logGroup:LogGroup": _input("name"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _input("name"),
    "aws:dynamodb/table:Table": _input("name"),
    "aws:iam/policy:Policy": _arn("iam", "policy"),
    "aws:iam/role:Role": _input("name"),
    "aws:iam/rolePolicy:RolePolicy": _of_role("name", ":"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _of_role("policyArn", "/"),
    "aws:kms/alias:Alias": _input("name"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _mapping,
    "aws:lambda/function:Function": _input("name"),
    "aws:lambda/layerVersion:LayerVersion": _newest_layer_version,
    "aws:sns/topic:Topic": _arn("sns"),
    "aws:sqs/queue:Queue": _queue,
}
# What has no life of its own: it goes with the queue, function or topic that it is of.
_GO_WITH_ANOTHER = frozenset(
    {
        "aws:lambda/alias:Alias",
        "aws:lambda/permission:Permission",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/queuePolicy:QueuePolicy",
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "aws:sqs/redrivePolicy:RedrivePolicy",
    }
)
