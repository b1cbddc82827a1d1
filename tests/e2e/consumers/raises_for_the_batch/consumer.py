"""A consumer that raises for its whole batch when one record in it is bad."""


def handler(event, _context):
    for record in event["Records"]:
        if "store_id" not in record["messageAttributes"]:
            raise ValueError("a record without store_id")
    return {"batchItemFailures": []}
