"""Consumers as people write them by mistake; a message with an empty body object is a bad one."""

import json


def is_bad(record):
    return record["body"] == "{}"


def failures(event):
    return [{"itemIdentifier": r["messageId"]} for r in event["Records"] if is_bad(r)]


def raises(event, _context):
    for record in event["Records"]:
        print(f"working on {record['messageId']}")
        json.loads(record["body"])["order"]


def swallows(_event, _context):
    return {"batchItemFailures": []}


def drops(event, _context):
    """Logs what it has processed, and drops the first good one of a batch without a word."""
    processed = {}
    for record in [r for r in event["Records"] if not is_bad(r)][1:]:
        attributes = record["messageAttributes"]
        run_id, seq = attributes["run_id"]["stringValue"], attributes["seq"]["stringValue"]
        processed.setdefault(run_id, []).append(int(seq))
    print(json.dumps({"processed": processed}))
    return {"batchItemFailures": failures(event)}


def wrong_ids(event, _context):
    answer = [{"itemIdentifier": f["itemIdentifier"][:8]} for f in failures(event)]
    return {"batchItemFailures": answer}


def loops(event, _context):
    return {"batchItemFailures": failures(event)}
