"""Every resource type that the local provider knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from automation.local.resources import (
    alarms,
    aliases,
    dashboards,
    dynamodb,
    event_sources,
    event_targets,
    events,
    functions,
    kms,
    layers,
    logs,
    managed_policies,
    permissions,
    roles,
    s3,
    sns,
    sqs,
    subscriptions,
)
from automation.local.resources.schema import ResourceType

_ALL: Final = (
    sqs.QUEUE,
    sqs.QUEUE_POLICY,
    sqs.REDRIVE_POLICY,
    sqs.REDRIVE_ALLOW_POLICY,
    functions.FUNCTION,
    event_sources.EVENT_SOURCE_MAPPING,
    layers.LAYER_VERSION,
    permissions.PERMISSION,
    roles.ROLE,
    roles.ROLE_POLICY,
    managed_policies.POLICY,
    managed_policies.ROLE_POLICY_ATTACHMENT,
    logs.LOG_GROUP,
    alarms.METRIC_ALARM,
    dashboards.DASHBOARD,
    sns.TOPIC,
    sns.TOPIC_POLICY,
    subscriptions.TOPIC_SUBSCRIPTION,
    kms.KEY,
    kms.ALIAS,
    dynamodb.TABLE,
    aliases.ALIAS,
    s3.BUCKET,
    events.EVENT_RULE,
    event_targets.EVENT_TARGET,
)

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = {item.token: item for item in _ALL}
