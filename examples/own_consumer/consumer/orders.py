"""Processes orders; a record that fails is told by its id, and the others are done."""

import json


def handler(event, _context):
    failed, stopped = [], set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId")
        try:
            if group in stopped:
                raise ValueError("an order before it in its group failed")
            print(f"order {int(json.loads(record['body'])['order'])} done")  # noqa: T201 - its log
        except (ValueError, KeyError, TypeError) as error:
            stopped.add(group)
            failed.append({"itemIdentifier": record["messageId"]})
            print(f"message {record['messageId']} failed: {type(error).__name__}")  # noqa: T201 - its log
    return {"batchItemFailures": failed}
