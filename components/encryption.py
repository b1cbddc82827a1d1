"""The customer key that a queue, its dead letters and its alarm topic are encrypted with."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import limits, policies
from .arguments import CustomerKeyArgs
from .unknowns import checked


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """What a queue is encrypted with: a customer key, or without one SQS's own.

    key_arn: of the customer key.
    data_key_reuse_seconds: how long SQS uses a data key.
    """

    key_arn: pulumi.Output[str] | None = None
    data_key_reuse_seconds: int | None = None

    def key_in(
        self, region: pulumi.Output[str]
    ) -> policies.EncryptionKey[pulumi.Output[str]] | None:
        """The key as policies need it; None without one."""
        if self.key_arn is None:
            return None
        endpoint = pulumi.Output.concat("sqs.", region, ".amazonaws.com")
        return policies.EncryptionKey(arn=self.key_arn, sqs_endpoint=endpoint)


def create_encryption(
    name: str,
    args: CustomerKeyArgs | None,
    *,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Encryption:
    """Create the key `{name}-key` and an alias for it, unless none is asked for or one is given."""
    if args is None:
        return Encryption()
    if args.key_arn is not None:
        key_arn = checked("key.key_arn", args.key_arn, limits.check_key_arn)
    else:
        # The policy names the account, which nothing that is there before the key can tell.
        account_id = aws.get_caller_identity_output(
            opts=pulumi.InvokeOutputOptions(parent=parent)
        ).account_id
        child = pulumi.ResourceOptions(parent=parent)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Messages of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=pulumi.Output.json_dumps(
                account_id.apply(lambda account_id: policies.customer_key(account_id=account_id))
            ),
            tags=tags or None,
            opts=child,
        )
        aws.kms.Alias(f"{name}-key-alias", target_key_id=key.key_id, opts=child)
        key_arn = key.arn
    return Encryption(key_arn=key_arn, data_key_reuse_seconds=args.data_key_reuse_seconds)
