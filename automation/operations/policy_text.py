"""The policy that an operator of a queue needs, for queues that no component of ours has made."""

from automation.operations.wiring import Wiring
from automation.target import Account
from components import policies


def operator_policy(account: Account, wiring: Wiring) -> tuple[dict[str, object], tuple[str, ...]]:
    """What the commands need on what was found, and what it leaves out, a sentence each.

    Args:
        account: where.
        wiring: what belongs to the queue.

    Raises:
        AutomationError: there is no dead-letter queue.
        ClientError: a queue may not be looked at.
    """
    dlq = wiring.require_dlq()
    partition = dlq.arn.split(":")[1]
    place = f"{account.region}:{account.account_id}"
    streams = [f"arn:{partition}:logs:{place}:log-group:{name}:*" for name in wiring.log_groups]
    functions = [
        f"arn:{partition}:lambda:{place}:function:{consumer.function_name}"
        for consumer in wiring.consumers
    ]
    key, notes = _key(account, dlq.url, partition, place)
    # One document for each queue, log and function, then what they say, each statement once.
    longest = max(len(wiring.sources), len(streams), len(functions), 1)
    documents = [
        policies.operate(
            queue_arn=_at(number, [source.arn for source in wiring.sources]) or dlq.arn,
            dlq_arn=dlq.arn,
            log_streams_arn=_at(number, streams),
            alarms_arn=f"arn:{partition}:cloudwatch:{place}:alarm:*",
            function_arn=_at(number, functions),
            key=key,
        )
        for number in range(longest)
    ]
    return _merged(documents), notes


def _at(number: int, values: list[str]) -> str | None:
    return values[min(number, len(values) - 1)] if values else None


def _merged(documents: list[policies.PolicyDocument[str]]) -> dict[str, object]:
    resources: dict[str, dict[str, None]] = {}
    actions: dict[str, list[str]] = {}
    conditions: dict[str, object] = {}
    for statement in (each for document in documents for each in document["Statement"]):
        sid = statement["Sid"]
        actions[sid] = statement["Action"]
        resources.setdefault(sid, {})[statement["Resource"]] = None
        if "Condition" in statement:
            conditions[sid] = statement["Condition"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Action": actions[sid],
                "Resource": next(iter(found)) if len(found) == 1 else list(found),
                **({"Condition": conditions[sid]} if sid in conditions else {}),
            }
            for sid, found in resources.items()
        ],
    }


def _key(
    account: Account, queue_url: str, partition: str, place: str
) -> tuple[policies.EncryptionKey[str] | None, tuple[str, ...]]:
    """The customer key of a queue, as far as its attributes tell."""
    answer = account.clients.sqs.get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["KmsMasterKeyId"]
    )
    key = answer.get("Attributes", {}).get("KmsMasterKeyId")
    if not key or key == "alias/aws/sqs":
        # AWS's own key lets everybody in who may use the queue.
        return None, ()
    if key.startswith("alias/") or ":alias/" in key:
        return None, (
            f"the queue is encrypted with {key}: add kms:GenerateDataKey and kms:Decrypt on the "
            "key that this alias stands for",
        )
    arn = key if key.startswith("arn:") else f"arn:{partition}:kms:{place}:key/{key}"
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return policies.EncryptionKey(arn=arn, sqs_endpoint=f"sqs.{account.region}.{suffix}"), ()
