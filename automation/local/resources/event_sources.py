"""Lambda: mappings that feed a function from an SQS queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.authorization import Call
from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.documents import same_function
from automation.local.resources.execution_role import refused_call, require_role_allows
from automation.local.resources.schema import (
    REGION,
    TAGS,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.tagging import tag_change
from automation.local.resources.values import Properties
from automation.local.resources.wire import from_wire, request
from components import limits

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_NEEDED_ACTIONS: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# SQS's key of the account, which whoever may use the queue may use too: Amazon SQS Developer
# Guide, Key management, Configuring AWS KMS permissions.
_SQS_OWN_KEY: Final = "alias/aws/sqs"
_DEFAULT_BATCH_SIZE: Final = 10


def _whole_number(limit: limits.Limit, *, service_default: int | None = None) -> Property:
    return Property(
        kind="int",
        minimum=limit.minimum,
        maximum=limit.maximum,
        service_default=service_default,
    )


_SETTINGS: Final[Mapping[str, Property]] = {
    "batchSize": _whole_number(limits.BATCH_SIZE, service_default=_DEFAULT_BATCH_SIZE),
    "enabled": Property(kind="bool", default=True),
    "filterCriteria": Property(
        kind="object",
        fields={
            "filters": Property(
                kind="list",
                unordered=True,
                max_items=limits.MAX_FILTERS,
                element=Property(
                    kind="object",
                    fields={
                        "pattern": Property(
                            kind="string", max_length=limits.MAX_FILTER_LENGTH, format="json"
                        )
                    },
                ),
            )
        },
    ),
    "functionName": Property(kind="string", required=True, same=same_function),
    "functionResponseTypes": Property(
        kind="list",
        unordered=True,
        element=Property(kind="string", enum=("ReportBatchItemFailures",)),
    ),
    # The emulator takes the next three and forgets them, so the state keeps what was asked.
    "kmsKeyArn": Property(kind="string", format="arn", wire="KMSKeyArn", read_back=False),
    "metricsConfig": Property(
        kind="object",
        read_back=False,
        fields={
            "metrics": Property(
                kind="list",
                required=True,
                element=Property(kind="string", enum=("EventCount", "ErrorCount", "KafkaMetrics")),
            )
        },
    ),
    "provisionedPollerConfig": Property(
        kind="object",
        read_back=False,
        fields={
            "maximumPollers": _whole_number(limits.MAXIMUM_POLLERS),
            "minimumPollers": _whole_number(limits.MINIMUM_POLLERS),
            "pollerGroupName": Property(kind="string"),
        },
    ),
    "maximumBatchingWindowInSeconds": _whole_number(limits.BATCHING_WINDOW),
    "scalingConfig": Property(
        kind="object",
        fields={"maximumConcurrency": _whole_number(limits.MAXIMUM_CONCURRENCY)},
    ),
}
_PROPERTIES: Final[Mapping[str, Property]] = {
    "eventSourceArn": Property(kind="string", required=True, force_new=True, format="arn"),
    **_SETTINGS,
    "arn": output(),
    "functionArn": output(),
    "lastModified": output(),
    "lastProcessingResult": output(),
    "state": output(),
    "stateTransitionReason": output(),
    "uuid": output(),
    **REGION,
    **TAGS,
}


def _source_failures(inputs: Properties) -> Iterator[Failure]:
    source = inputs.get("eventSourceArn")
    if isinstance(source, str) and source.split(":")[2] != "sqs":
        reason = "the local provider knows mappings from SQS only"
        yield Failure("eventSourceArn", f"eventSourceArn is {source!r}; {reason}")


def _batch_failures(inputs: Properties) -> Iterator[Failure]:
    size = inputs.get("batchSize", _DEFAULT_BATCH_SIZE)
    window = inputs.get("maximumBatchingWindowInSeconds", 0)
    if not isinstance(size, int) or not isinstance(window, int):
        return
    source = inputs.get("eventSourceArn")
    is_fifo = isinstance(source, str) and limits.is_fifo(source)
    check = limits.check_fifo_batch if is_fifo else limits.check_batch
    try:
        check(size, window)
    except limits.LimitError as error:
        yield Failure("batchSize", f"batchSize and maximumBatchingWindowInSeconds: {error}")


def _scaling_failures(inputs: Properties) -> Iterator[Failure]:
    if inputs.get("scalingConfig") and inputs.get("provisionedPollerConfig"):
        yield Failure(
            "scalingConfig", "scalingConfig and provisionedPollerConfig exclude each other"
        )


def _create(cloud: Cloud, inputs: Properties) -> str:
    _require_consumable(cloud, inputs["eventSourceArn"], inputs["functionName"])
    answer = cloud.functions.create_event_source_mapping(
        **request(_PROPERTIES, inputs), Tags=inputs.get("tagsAll") or {}
    )
    return answer["UUID"]


def _require_consumable(cloud: Cloud, queue_arn: str, function: str) -> None:
    """What Lambda checks about queue and function, and the emulator does not."""
    configuration = cloud.functions.get_function_configuration(FunctionName=function)
    attributes = _queue_attributes(cloud, queue_arn)
    visibility_seconds = int(attributes["VisibilityTimeout"])
    timeout_seconds = configuration["Timeout"]
    if visibility_seconds < timeout_seconds:
        raise AwsError(
            "InvalidParameterValueException",
            f"Queue visibility timeout: {visibility_seconds} seconds is less than Function "
            f"timeout: {timeout_seconds} seconds",
        )
    calls = [Call(action=action, resource=queue_arn) for action in _NEEDED_ACTIONS]
    require_role_allows(cloud, configuration["Role"], calls)
    _require_decryptable(cloud, configuration["Role"], attributes.get("KmsMasterKeyId", ""))


def _require_decryptable(cloud: Cloud, role_arn: str, key: str) -> None:
    """Refuses a role that may not decrypt what a customer key encrypts.

    AWS takes the mapping, and then Lambda receives nothing: Amazon SQS Developer Guide, Configuring
    an Amazon SQS queue to trigger an AWS Lambda function, Permissions for encrypted queues. To fail
    here is better than to work here and be silent there.
    """
    if key in ("", _SQS_OWN_KEY):
        return
    is_arn = ":key/" in key
    key_arn = key if is_arn else cloud.kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    # AWS KMS Developer Guide, Condition keys for AWS KMS.
    context = {
        "kms:ViaService": f"sqs.{cloud.region}.amazonaws.com",
        "kms:CallerAccount": cloud.account_id,
    }
    call = Call(action="kms:Decrypt", resource=key_arn, context=context)
    if refused_call(cloud, role_arn, [call]):
        raise AwsError(
            "InvalidParameterValueException",
            f"The function execution role {role_arn} may not call kms:Decrypt on {key_arn}, the "
            "queue's key, through SQS: AWS takes such a mapping, and Lambda then receives nothing",
        )


def _queue_attributes(cloud: Cloud, queue_arn: str) -> dict[str, str]:
    with ignoring("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
        url = cloud.sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        attributes = {str(name): value for name, value in answer.get("Attributes", {}).items()}
        if attributes.get("QueueArn") == queue_arn:
            return attributes
    raise AwsError(
        "InvalidParameterValueException",
        "Error occurred while ReceiveMessage. SQS Error Code: "
        f"AWS.SimpleQueueService.NonExistentQueue. The queue {queue_arn} does not exist.",
    )


def _read(cloud: Cloud, uuid: str, _state: Properties) -> Properties | None:
    with ignoring(_MISSING):
        answer = cloud.functions.get_event_source_mapping(UUID=uuid)
        arn = answer.get("EventSourceMappingArn", "")
        described: Properties = {key: value for key, value in answer.items() if value}
        return from_wire(_PROPERTIES, described) | {
            "functionName": answer["FunctionArn"],
            "arn": arn,
            "functionArn": answer["FunctionArn"],
            "enabled": answer["State"] in ("Enabled", "Enabling"),
            "lastModified": answer["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lastProcessingResult": answer.get("LastProcessingResult", ""),
            "state": answer["State"],
            "stateTransitionReason": answer.get("StateTransitionReason", ""),
            "uuid": uuid,
            "tags": dict(cloud.functions.list_tags(Resource=arn).get("Tags", {})),
        }
    return None


# How a setting is taken away: Lambda keeps what a request leaves out.
_EMPTY: Final[Mapping[str, Any]] = {
    "batchSize": _DEFAULT_BATCH_SIZE,
    "filterCriteria": {},
    "functionResponseTypes": [],
    "maximumBatchingWindowInSeconds": 0,
    "scalingConfig": {},
}


def _update(cloud: Cloud, uuid: str, change: Change) -> None:
    _require_consumable(cloud, change.new["eventSourceArn"], change.new["functionName"])
    changed = [name for name in _SETTINGS if name in change.changed]
    if changed:
        properties = {name: _SETTINGS[name] for name in changed}
        emptied = {
            properties[name].wire_name(name): _EMPTY[name]
            for name in changed
            if change.new.get(name) is None and name in _EMPTY
        }
        parameters = {**request(properties, change.new), **emptied}
        cloud.functions.update_event_source_mapping(UUID=uuid, **parameters)
    tags = tag_change(change)
    if tags.removed:
        cloud.functions.untag_resource(Resource=change.old["arn"], TagKeys=tags.removed)
    if tags.added:
        cloud.functions.tag_resource(Resource=change.old["arn"], Tags=tags.added)


def _delete(cloud: Cloud, uuid: str, _state: Properties) -> None:
    with ignoring(_MISSING):
        cloud.functions.delete_event_source_mapping(UUID=uuid)


EVENT_SOURCE_MAPPING: Final = ResourceType(
    token="aws:lambda/eventSourceMapping:EventSourceMapping",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    operation=Operation(service="lambda", name="CreateEventSourceMapping"),
    rules=(_source_failures, _batch_failures, _scaling_failures),
    unsupported=frozenset(
        {
            "amazonManagedKafkaEventSourceConfig",
            "bisectBatchOnFunctionError",
            "destinationConfig",
            "documentDbEventSourceConfig",
            "maximumRecordAgeInSeconds",
            "maximumRetryAttempts",
            "parallelizationFactor",
            "queues",
            "selfManagedEventSource",
            "selfManagedKafkaEventSourceConfig",
            "sourceAccessConfigurations",
            "startingPosition",
            "startingPositionTimestamp",
            "topics",
            "tumblingWindowInSeconds",
            "useResourceTimeoutForPropagation",
        }
    ),
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
