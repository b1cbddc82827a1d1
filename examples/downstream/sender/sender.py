"""Sends one customer event of a store, in the shape that the queue's consumer takes."""

import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, _context):
    body = {
        "name": "Invented",
        "dob": "1970-01-01",
        "gender": "F",
        "ssn_no": "000000000",
        "data_share_consent": False,
        "evnt_time": "2021-02-06T18:56:59.165483",
    }
    texts = {"run_id": event["run_id"], "seq": "0", "store_id": str(event["store"])}
    answer = sqs.send_message(
        QueueUrl=os.environ["QUEUE_URL"],
        MessageBody=json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String" if name == "run_id" else "Number", "StringValue": text}
            for name, text in texts.items()
        },
    )
    return {"message_id": answer["MessageId"]}
