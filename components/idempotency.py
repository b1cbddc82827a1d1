"""The table in which a consumer remembers what it has processed, for Powertools' idempotency."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

# Powertools for AWS Lambda (Python), Idempotency, Required resources: the names it looks for.
_KEY_ATTRIBUTE = "id"
_EXPIRY_ATTRIBUTE = "expiration"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A table for what has been processed, and for how long it is kept there.

    expires_after_seconds: since a message was processed.
    """

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]
    expires_after_seconds: int

    @property
    def environment(self) -> dict[str, pulumi.Input[str]]:
        """How the function learns of it."""
        return {
            "IDEMPOTENCY_TABLE": self.table_name,
            "IDEMPOTENCY_SECONDS": str(self.expires_after_seconds),
        }


def create_memory(
    name: str,
    *,
    expires_after_seconds: int,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Memory:
    """Create the table `{name}-idempotency`."""
    table = aws.dynamodb.Table(
        f"{name}-idempotency",
        attributes=[{"name": _KEY_ATTRIBUTE, "type": "S"}],
        hash_key=_KEY_ATTRIBUTE,
        # Traffic comes as messages do, and the table costs nothing while there are none.
        billing_mode="PAY_PER_REQUEST",
        ttl={"attribute_name": _EXPIRY_ATTRIBUTE, "enabled": True},
        # What the function returns is kept in it. The account's own key for DynamoDB needs no
        # leave: Amazon DynamoDB Developer Guide, Encryption at rest, AWS managed key.
        server_side_encryption={"enabled": True},
        point_in_time_recovery={"enabled": True},
        tags=tags or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return Memory(
        table_name=table.name,
        table_arn=table.arn,
        expires_after_seconds=expires_after_seconds,
    )
