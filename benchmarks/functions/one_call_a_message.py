"""A producer as most begin: one `SendMessage` for each message, by boto3's client."""

import os
import time

import boto3

sqs = boto3.client("sqs")
BODY = os.environ["BODY"]


def attributes(seq):
    texts = {"project": "reliable-queue", "contact_me": "a@example.org", "run_id": "benchmark"}
    numbers = {"ts": int(time.time()), "seq": seq, "store_id": seq % 5 + 1}
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()} | {
        name: {"DataType": "Number", "StringValue": str(number)} for name, number in numbers.items()
    }


def handler(event, context):
    end = time.monotonic() + event["duration_s"]
    sent = 0
    while time.monotonic() < end:
        sqs.send_message(
            QueueUrl=os.environ["QUEUE_URL"], MessageBody=BODY, MessageAttributes=attributes(sent)
        )
        sent += 1
    return {"sent": sent}
