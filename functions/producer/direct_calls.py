"""SendMessageBatch with little around it: botocore's signature and connections, JSON as it is.

A run at full speed is limited by the processor time that a call takes, and in a function with a
part of a processor all the more. botocore's client takes nearly twice as long for a call: it checks
each entry, walks through it to make the same JSON of it, resolves the endpoint anew, asks dozens of
handlers, and walks through the answer.
"""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.session import get_session
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botocore.awsrequest import AWSResponse
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "User-Agent": f"reliable-queue-producer Botocore/{botocore.__version__}",
    "X-Amz-Target": "AmazonSQS.SendMessageBatch",
}
# Else the kernel holds a request's body back until its head has been acknowledged.
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


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
        self._http = URLLib3Session(
            verify=session.get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(self._url),
            timeout=(connect_seconds, read_seconds),  # pyright: ignore[reportArgumentType] it may
            max_pool_connections=connections,
            socket_options=[NO_DELAY],  # pyright: ignore[reportArgumentType] it takes nothing else
        )

    def send_message_batch(
        self, queue_url: str, entries: Sequence[SendMessageBatchRequestEntryTypeDef]
    ) -> SendMessageBatchResultTypeDef:
        """Call once; the answer and the errors are those of the client's method.

        Raises:
            ClientError: SQS refuses the call.
            BotoCoreError: it can't be made, or was not answered in a way that can be read.
        """
        if self._credentials is None:
            raise NoCredentialsError
        body = json.dumps({"QueueUrl": queue_url, "Entries": entries}).encode()
        request = AWSRequest("POST", self._url, headers=HEADERS | _trace_header(), data=body)
        # All of them at one time: another thread's call may renew them in between.
        credentials = self._credentials.get_frozen_credentials()
        SigV4Auth(credentials, "sqs", self._region).add_auth(request)
        answer = self._http.send(request.prepare())
        if answer.status_code >= 300:
            raise _refusal(answer)
        content = _json_object(answer)
        if content is None:
            raise UnreadableAnswerError
        return cast("SendMessageBatchResultTypeDef", content)


def _trace_header() -> dict[str, str]:
    """X-Ray's, so that a message belongs to its sender's trace.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
    """
    trace_id = os.environ.get("_X_AMZN_TRACE_ID")
    return {"X-Amzn-Trace-Id": quote(trace_id, safe="-=;:+&[]{}\"',")} if trace_id else {}


def _refusal(answer: AWSResponse) -> ClientError:
    content = _json_object(answer) or {}
    # The older codes, which people know, are in the header; not every error has one.
    older_code = answer.headers.get("x-amzn-query-error", "").partition(";")[0]
    code = older_code or str(content.get("__type") or "").rpartition("#")[2]
    said: Any = {
        "Error": {"Code": code or str(answer.status_code), "Message": content.get("message", "")},
        "ResponseMetadata": {"HTTPStatusCode": answer.status_code},
    }
    return ClientError(said, "SendMessageBatch")


def _json_object(answer: AWSResponse) -> dict[str, Any] | None:
    """What stands before SQS may answer with a page of its own: then it is None."""
    try:
        content = json.loads(answer.content)
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None
