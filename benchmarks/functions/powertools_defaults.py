"""The same work and the same log, as Powertools' documentation begins with them: no back-off."""

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from customer_events import process_record
from log_records import log_batch, logger

processor = BatchProcessor(event_type=EventType.SQS)
processed = []


def record_handler(record):
    processed.append(process_record(record.raw_event))


@logger.inject_lambda_context(log_event=False)
def handler(event, context):
    processed.clear()
    response = process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )
    log_batch(processed, [], is_fifo=False)
    return response
