"""Takes each payment once: a message may come twice, and its sender may send it again.

What makes two payments the same is said by the sender, in `id`. The message's id would not do: what
is sent again, or redriven from the dead letters by SQS, is a message of its own.
"""

import json
import os

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

memory = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(
    event_key_jmespath="id",
    # A payment without an id can't be told from others: it fails, and is looked at.
    raise_on_no_idempotency_key=True,
    # So does one that has the id of another and asks for something else.
    payload_validation_jmespath="amount",
    expires_after_seconds=int(os.environ["IDEMPOTENCY_SECONDS"]),
)


@idempotent_function(data_keyword_argument="payment", persistence_store=memory, config=config)
def take(*, payment):
    """Take a payment; what is returned is remembered, and returned again for the same payment."""
    if not payment["amount"] > 0:
        raise ValueError("nothing to take")
    print(f"payment {payment['id']} taken: {payment['amount']}")  # noqa: T201 - its log
    return {"taken": payment["amount"]}


def handler(event, context):
    # How long it may run still: a payment that it dies over is taken up after that.
    config.register_lambda_context(context)
    failed = []
    for record in event["Records"]:
        try:
            take(payment=json.loads(record["body"]))
        except Exception as error:  # noqa: BLE001 - one message fails alone, whatever it fails by
            failed.append({"itemIdentifier": record["messageId"]})
            print(f"message {record['messageId']} failed: {type(error).__name__}")  # noqa: T201 - its log
    return {"batchItemFailures": failed}
