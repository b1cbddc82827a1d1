"""Lists the queues whose redrive policies name a queue; the emulator knows no such call.

Amazon SQS API Reference, ListDeadLetterSourceQueues.
"""

import json
from typing import Any

from automation.local.corrections.replacing import require, service

_MOST = 1_000


def apply() -> None:
    """Add the action."""
    sqs = service("sqs")
    require(sqs, _get_q="url action", _externalize_url="url")

    def list_sources(data: Any, qurl: str) -> Any:
        return _list_sources(sqs, data, qurl)

    sqs._HANDLERS.setdefault("ListDeadLetterSourceQueues", list_sources)


def _list_sources(sqs: Any, data: Any, qurl: str) -> dict[str, Any]:
    queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:ListDeadLetterSourceQueues")
    arn = queue["attributes"]["QueueArn"]
    urls = [
        sqs._externalize_url(url)
        for url, source in sqs._queues.items()
        if _target(source["attributes"].get("RedrivePolicy")) == arn
    ]
    asked, start = data.get("MaxResults"), int(data.get("NextToken") or 0)
    if asked is not None and not 1 <= int(asked) <= _MOST:
        reason = f"Value {asked} for parameter MaxResults is invalid. Reason: must be 1 to {_MOST}."
        raise sqs._Err("InvalidParameterValue", reason)
    end = start + int(asked or _MOST)
    answer: dict[str, Any] = {"queueUrls": urls[start:end]}
    # "You must set MaxResults to receive a value for NextToken in the response."
    if asked is not None and end < len(urls):
        answer["NextToken"] = str(end)
    return answer


def _target(redrive_policy: str | None) -> str | None:
    return json.loads(redrive_policy).get("deadLetterTargetArn") if redrive_policy else None
