"""A consumer that swallows bad messages: it says that everything was processed."""

import json


def handler(event, _context):
    processed = {}
    for record in event["Records"]:
        attributes = record["messageAttributes"]
        run_id, seq = attributes["run_id"]["stringValue"], attributes["seq"]["stringValue"]
        processed.setdefault(run_id, []).append(int(seq))
    print(json.dumps({"resp": {"status": True}, "processed": processed}))
    return {"batchItemFailures": []}
