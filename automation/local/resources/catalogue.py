"""Every resource type that the local provider knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from automation.local.resources import (
    cloudwatch,
    event_sources,
    functions,
    iam,
    layers,
    logs,
    sns,
    sqs,
)
from automation.local.resources.cloud import Cloud
from automation.local.resources.schema import ResourceType
from automation.local.resources.values import Properties

_ALL: Final = (
    sqs.QUEUE,
    sqs.QUEUE_POLICY,
    sqs.REDRIVE_POLICY,
    sqs.REDRIVE_ALLOW_POLICY,
    functions.FUNCTION,
    event_sources.EVENT_SOURCE_MAPPING,
    layers.LAYER_VERSION,
    iam.ROLE,
    iam.ROLE_POLICY,
    iam.POLICY,
    iam.ROLE_POLICY_ATTACHMENT,
    logs.LOG_GROUP,
    cloudwatch.METRIC_ALARM,
    cloudwatch.DASHBOARD,
    sns.TOPIC,
    sns.TOPIC_POLICY,
)

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = {item.token: item for item in _ALL}

FUNCTIONS: Final[Mapping[str, Callable[[Cloud, Properties], Properties]]] = {}
