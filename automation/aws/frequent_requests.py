"""The requests that moving messages consists of, without the work that botocore does anew for each.

Of a redrive's time on this machine botocore took four fifths: for each request it resolves the
endpoint, walks through the service's model with what is sent and what is answered, and makes an
email message of the headers, twice. Here the first request of a kind, made by botocore, is the
pattern of those that follow: its address and its headers stay, body and signature are new. They go
out on connections that botocore's HTTP session has opened, with its certificates and time-outs.

Whatever is not a plain success is handed over to botocore as its first attempt's outcome: which
error that is, and whether the request is repeated, botocore alone decides. Binary attributes it
reads and writes itself.
"""

import json
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.hooks import first_non_none_response

from automation.aws.open_connections import OpenConnections, PlainResponse
from automation.aws.request_pattern import RequestPattern

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_OPERATIONS = ("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch")


def quicken(client: "SQSClient") -> None:
    """Have a client of SQS make its frequent requests in this way, and all others as before."""
    # botocore's one way into a request. Its events come later, when most of the work is done.
    client._make_api_call = _Quick(client).call  # pyright: ignore # noqa: SLF001


class _Quick:
    def __init__(self, client: "SQSClient") -> None:
        inside = cast("Any", client)
        self._thorough = inside._make_api_call  # noqa: SLF001
        self._signer = inside._request_signer  # noqa: SLF001
        self._connections = OpenConnections(inside._endpoint.http_session)  # noqa: SLF001
        self._events = client.meta.events
        self._models = client.meta.service_model
        self._patterns: dict[str, RequestPattern] = {}
        self._this_thread = threading.local()
        hook = cast("Any", self._before_botocore_sends)
        for operation in _OPERATIONS:
            self._events.register_first(f"before-send.sqs.{operation}", hook)

    def call(self, operation: str, parameters: dict[str, object]) -> dict[str, Any]:
        """Make a request; takes, returns and raises what botocore does."""
        request = self._request(operation, parameters)
        if request is None:
            return self._thorough(operation, parameters)
        try:
            response = self._response(operation, request)
        except BotoCoreError as error:
            return self._handed_over(operation, parameters, error)
        answer = _plain_answer(response)
        if answer is None:
            return self._handed_over(operation, parameters, response)
        # By these botocore knows how much there is to be gained from repeating.
        self._events.emit(
            f"after-call.sqs.{operation}",
            http_response=response,
            parsed=answer,
            model=self._models.operation_model(operation),
            context={},
        )
        return answer

    def _request(self, operation: str, parameters: dict[str, object]) -> AWSPreparedRequest | None:
        """None when botocore has to make it."""
        pattern = self._patterns.get(operation)
        if pattern is None:
            return None
        credentials = self._signer._credentials.get_frozen_credentials()  # noqa: SLF001
        if not pattern.is_of(credentials):
            # They were renewed: botocore's next request is the new pattern.
            self._patterns.pop(operation, None)
            return None
        text = _without_bytes(parameters)
        return pattern.request(text.encode(), credentials.secret_key) if text else None

    def _response(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        hooked = self._events.emit(f"before-send.sqs.{operation}", request=request)
        return first_non_none_response(hooked) or self._connections.send(request)

    def _handed_over(
        self, operation: str, parameters: dict[str, object], outcome: AWSResponse | BotoCoreError
    ) -> dict[str, Any]:
        self._this_thread.outcome = outcome
        try:
            return self._thorough(operation, parameters)
        except BotoCoreError as error:
            was_looked_at = getattr(self._this_thread, "outcome", None) is None
            if was_looked_at:
                raise
            # It did not even begin: the credentials, say, ran out while the first attempt waited.
            # That one was sent for all that, and who reads the error must not take it for unsent.
            raise _first_failure(outcome) from error
        finally:
            self._this_thread.outcome = None

    def _before_botocore_sends(
        self, request: AWSPreparedRequest, event_name: str, **_: object
    ) -> AWSResponse | None:
        outcome = getattr(self._this_thread, "outcome", None)
        # What botocore sends after it is a repetition.
        self._this_thread.outcome = None
        if isinstance(outcome, BotoCoreError):
            raise outcome
        operation = event_name.rpartition(".")[2]
        if operation not in self._patterns and (pattern := RequestPattern.of(request)):
            self._patterns[operation] = pattern
        return outcome


def _first_failure(outcome: AWSResponse | BotoCoreError) -> BotoCoreError:
    if isinstance(outcome, BotoCoreError):
        return outcome
    return HTTPClientError(error=f"HTTP {outcome.status_code}, and nobody to read it")


def _without_bytes(parameters: Mapping[str, object]) -> str | None:
    """What to send; None when bytes are among it, which have to be encoded."""
    try:
        text = json.dumps(parameters)
    except TypeError:
        return None
    return None if '"BinaryValue"' in text else text


def _plain_answer(response: AWSResponse) -> dict[str, Any] | None:
    """A success as it was sent; None when it is none, or is to be read by the service's model."""
    if response.status_code != HTTPStatus.OK or b'"Binary' in response.content:
        return None
    try:
        answer: object = json.loads(response.content)
    except ValueError:
        return None
    # botocore leaves out what is null; many a body has the word in it.
    is_whole = b"null" not in response.content or not _holds_null(answer)
    if not isinstance(answer, dict) or not is_whole:
        return None
    read = cast("dict[str, Any]", answer)
    read["ResponseMetadata"] = _metadata(response)
    return read


def _metadata(response: AWSResponse) -> dict[str, object]:
    if isinstance(response, PlainResponse):
        headers = response.lowered
    else:
        headers = {name.lower(): value for name, value in response.headers.items()}
    metadata: dict[str, object] = {
        "HTTPStatusCode": response.status_code,
        "HTTPHeaders": headers,
        "RetryAttempts": 0,
    }
    if "x-amzn-requestid" in headers:
        metadata["RequestId"] = headers["x-amzn-requestid"]
    return metadata


def _holds_null(value: object) -> bool:
    match value:
        case dict():
            return any(map(_holds_null, cast("dict[str, object]", value).values()))
        case list():
            return any(map(_holds_null, cast("list[object]", value)))
        case _:
            return value is None
