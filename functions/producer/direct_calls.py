"""SendMessageBatch with little around it: botocore's signature, open connections, JSON as it is.

A run at full speed is limited by the processor time that a call takes, and in a function with a
part of a processor all the more. botocore's client takes several times as long for a call: it
checks each entry, walks through it to make the same JSON of it, resolves the endpoint anew, asks
dozens of handlers, and walks through the answer.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import botocore
from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
from botocore.session import get_session

from open_connections import OpenConnections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_sqs.type_defs import SendMessageBatchResultTypeDef

    from open_connections import Answer

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "User-Agent": f"reliable-queue-producer Botocore/{botocore.__version__}",
    "X-Amz-Target": "AmazonSQS.SendMessageBatch",
}


class UnreadableAnswerError(HTTPClientError):
    """A success that nobody can read: SQS may have accepted the messages, or never seen them."""

    fmt = "the answer to SendMessageBatch is no JSON object"


class DirectCalls:
    """What botocore's client knows of SQS, credentials and the network, without the client.

    Args:
        connections: how many are kept open.
        connect_seconds, read_seconds: how long a connection, and an answer, is waited for.
    """

    def __init__(self, *, connections: int, connect_seconds: float, read_seconds: float) -> None:
        session = get_session()
        # It knows what the region, or AWS_ENDPOINT_URL, makes of it.
        meta = session.create_client("sqs").meta
        self._url = f"{meta.endpoint_url.rstrip('/')}/"
        self._region = meta.region_name
        self._credentials = session.get_credentials()
        self._headers = HEADERS | {"Host": urlsplit(self._url).netloc.rpartition("@")[2]}
        self._connections = OpenConnections(
            self._url,
            ca_bundle=session.get_config_variable("ca_bundle"),
            connections=connections,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
        )

    def send_message_batch(
        self, queue_url: str, entries: Iterable[str]
    ) -> SendMessageBatchResultTypeDef:
        """Call once; the answer and the errors are those of the client's method.

        Args:
            queue_url: where to.
            entries: each as JSON, so that one that is sent again is not written again.

        Raises:
            ClientError: SQS refuses the call.
            BotoCoreError: it can't be made, or was not answered in a way that can be read.
        """
        if self._credentials is None:
            raise NoCredentialsError
        text = f'{{"QueueUrl": {json.dumps(queue_url)}, "Entries": [{", ".join(entries)}]}}'
        body = text.encode()
        request = _Request(self._url, _Headers(self._headers | _trace_header()), body)
        # All of them at one time: another thread's call may renew them in between.
        credentials = self._credentials.get_frozen_credentials()
        _Signature(credentials, "sqs", self._region).add_auth(cast("Any", request))
        request.headers["Content-Length"] = str(len(body))
        answer = self._connections.post(request)
        if answer.status >= 300:
            raise _refusal(answer)
        content = _json_object(answer)
        if content is None:
            raise UnreadableAnswerError
        return cast("SendMessageBatchResultTypeDef", content)


class _Headers(dict[str, str]):
    def get_all(self, name: str) -> list[str]:
        """As an email message has it, which is what botocore's signer works with."""
        return [self[name]]


class _Request(AWSPreparedRequest):
    """What can be signed and sent, without an email message of its headers."""

    def __init__(self, url: str, headers: _Headers, body: bytes) -> None:
        super().__init__("POST", url, cast("Any", headers), body, stream_output=False)
        self.params: dict[str, str] = {}
        self.context: dict[str, object] = {}


class _Signature(SigV4Auth):
    def headers_to_sign(self, request: Any) -> Any:
        names = {name: name.lower() for name in request.headers}
        return _Headers(
            {
                lower: request.headers[name]
                for name, lower in names.items()
                if lower not in SIGNED_HEADERS_BLACKLIST
            }
        )


def _trace_header() -> dict[str, str]:
    """X-Ray's, so that a message belongs to its sender's trace.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
    """
    trace_id = os.environ.get("_X_AMZN_TRACE_ID")
    return {"X-Amzn-Trace-Id": quote(trace_id, safe="-=;:+&[]{}\"',")} if trace_id else {}


def _refusal(answer: Answer) -> ClientError:
    content = _json_object(answer) or {}
    # The older codes, which people know, are in the header; not every error has one.
    older_code = answer.headers.get("x-amzn-query-error", "").partition(";")[0]
    code = older_code or str(content.get("__type") or "").rpartition("#")[2]
    said: Any = {
        "Error": {"Code": code or str(answer.status), "Message": content.get("message", "")},
        "ResponseMetadata": {"HTTPStatusCode": answer.status},
    }
    return ClientError(said, "SendMessageBatch")


def _json_object(answer: Answer) -> dict[str, Any] | None:
    """What stands before SQS may answer with a page of its own: then it is None."""
    try:
        content = json.loads(answer.content)
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None
