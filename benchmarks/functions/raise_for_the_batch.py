"""A consumer as most begin: it raises at a bad message, and its whole batch comes back."""

import json


def handler(event, context):
    for record in event["Records"]:
        record["messageAttributes"]["store_id"]
        json.loads(record["body"])
    print('{"message": "Batch processed"}')
