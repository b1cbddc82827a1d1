"""The same check of the same messages, as Powertools' documentation begins."""

import json

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.SQS)
logger = Logger(service="benchmark")


def record_handler(record):
    if record.message_attributes["store_id"] is None:
        raise ValueError("the message attribute store_id is missing")
    json.loads(record.body)


@logger.inject_lambda_context
def handler(event, context):
    logger.info("Batch")
    return process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )
