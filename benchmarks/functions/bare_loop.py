"""The least work that sends to a queue: ready bytes over raw connections, the answers counted."""

import http.client
import json
import os
import threading
import time
import urllib.parse

ENTRY = {
    "MessageBody": os.environ["BODY"],
    "MessageAttributes": {
        "project": {"DataType": "String", "StringValue": "reliable-queue"},
        "contact_me": {"DataType": "String", "StringValue": "a@example.org"},
        "run_id": {"DataType": "String", "StringValue": "11111111-2222-3333-4444-555555555555"},
        "ts": {"DataType": "Number", "StringValue": "1612637819"},
        "seq": {"DataType": "Number", "StringValue": "12345"},
        "store_id": {"DataType": "Number", "StringValue": "3"},
    },
}
REQUEST = json.dumps(
    {
        "QueueUrl": os.environ["QUEUE_URL"],
        "Entries": [{"Id": str(number), **ENTRY} for number in range(10)],
    }
).encode()
# The embedded AWS looks at the access key only.
HEADERS = {
    "X-Amz-Target": "AmazonSQS.SendMessageBatch",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/sqs/"
    "aws4_request, SignedHeaders=host, Signature=0",
}


def handler(event, context):
    end = time.monotonic() + event["duration_s"]
    counts = [0] * event["connections"]

    def send(number):
        endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
        connection = http.client.HTTPConnection(endpoint)
        while time.monotonic() < end:
            connection.request("POST", "/", REQUEST, HEADERS)
            counts[number] += len(json.loads(connection.getresponse().read())["Successful"])

    threads = [threading.Thread(target=send, args=(n,)) for n in range(len(counts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"sent": sum(counts)}
