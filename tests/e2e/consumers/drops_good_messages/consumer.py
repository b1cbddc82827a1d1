"""A consumer that drops every fifth good message without a word."""

import json


def handler(event, _context):
    processed, failures = {}, []
    for record in event["Records"]:
        attributes = record["messageAttributes"]
        run_id, seq = attributes["run_id"]["stringValue"], attributes["seq"]["stringValue"]
        if "store_id" not in attributes:
            failures.append({"itemIdentifier": record["messageId"]})
        elif int(seq) % 5:
            processed.setdefault(run_id, []).append(int(seq))
    print(json.dumps({"resp": {"status": True}, "processed": processed}))
    return {"batchItemFailures": failures}
