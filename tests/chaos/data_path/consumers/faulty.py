"""This project's consumer with the faults that messages ask for by their attribute `fault`.

What becomes of each message is written into a file beside the log: who dies can't be asked.
"""

import json
import os
import random
import time
from pathlib import Path
from unittest import mock

import back_off
import batch_processing
import consumer
import customer_events

WITNESS = Path(os.environ["WITNESS"])
WORKS_SECONDS = float(os.environ["WORKS_SECONDS"])
RELEASE = os.environ["RELEASE"]
FOREVER_SECONDS = 600
SLOW_SECONDS = 1
# With which probability the processing of a message fails that asks for it.
FAILS = 0.3


def handler(event, context):
    if "holds_seconds" in event:
        # An operator tries the function by hand, and keeps a place of it occupied.
        note(context, "held")
        return time.sleep(event["holds_seconds"])
    records = event["Records"]
    note(context, "began", messages=[(record["messageId"], receives(record)) for record in records])
    faults = {asked_for(record) for record in records if strikes(record)}
    if "dies" in faults or "always dies" in faults:
        os._exit(1)
    if "hangs" in faults or "always hangs" in faults:
        time.sleep(FOREVER_SECONDS)
    if "always raises" in faults:
        raise RuntimeError("injected")
    come_again([record for record in records if asked_for(record) == "comes twice"], context)
    if "slow in the first release" in faults and RELEASE == "first":
        time.sleep(SLOW_SECONDS)
    time.sleep(WORKS_SECONDS)
    logged = consumer.log_batch

    def log_and_note(processed, failures, **kind):
        logged(processed, failures, **kind)
        note(context, "worked", failed=[failure.record["messageId"] for failure in failures])

    with mock.patch.object(consumer, "log_batch", log_and_note):
        answer = consumer.handler(event, context)
    if "dies late" in faults:
        os._exit(1)
    note(context, "ended")
    return answer


def asked_for(record):
    return record["messageAttributes"].get("fault", {}).get("stringValue")


def strikes(record):
    return receives(record) == 1 or (asked_for(record) or "").startswith("always ")


def receives(record):
    return int(record["attributes"]["ApproximateReceiveCount"])


def come_again(records, context):
    """Have SQS deliver messages once more while they are being processed."""
    for record in [record for record in records if receives(record) == 1]:
        entry = {"Id": "0", "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": 0}
        back_off.sqs_client().change_message_visibility_batch(
            QueueUrl=os.environ["QUEUE_URL"], Entries=[entry]
        )
        while context.get_remaining_time_in_millis() > 2000:
            if f'["{record["messageId"]}", 2]' in read_witness():
                break
            time.sleep(0.02)


def read_witness():
    return WITNESS.read_text()


def note(context, what, **fields):
    line = {
        **fields,
        "what": what,
        "run": context.aws_request_id,
        "at": time.time(),
        "release": RELEASE,
    }
    with WITNESS.open("a") as witness:
        witness.write(json.dumps(line) + "\n")


def process_or_fail(record):
    if asked_for(record) == "fails at random" and random.random() < FAILS:  # noqa: S311
        raise RuntimeError("injected")
    return customer_events.process_record(record)


batch_processing.process_record = process_or_fail
