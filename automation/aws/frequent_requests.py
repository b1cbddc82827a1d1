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

import http.client
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.hooks import first_non_none_response

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sqs import SQSClient

_OPERATIONS = ("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch")
_SIGNATURE_BEGINS = "AWS4-HMAC-SHA256 Credential="
# Of one request alone. botocore numbers its requests for the statistics of AWS's SDK teams.
_NOT_REPEATED = frozenset(
    {
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "authorization",
        "content-length",
        "x-amz-date",
        "x-amz-security-token",
    }
)


def quicken(client: "SQSClient", session: "boto3.Session") -> None:
    """Have a client make its frequent requests in this way, and all others as before.

    Args:
        client: of SQS; made by `session`, with the session's credentials.
        session: is asked for credentials at each request, since they may be renewed.
    """
    quick = _Quick(client, session)
    # botocore's one way into a request. Its events come later, when most of the work is done.
    client._make_api_call = quick.call  # pyright: ignore # noqa: SLF001


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    url: str
    headers: Mapping[str, str]
    region: str
    signing_name: str


class _Quick:
    def __init__(self, client: "SQSClient", session: "boto3.Session") -> None:
        inside = cast("Any", client)
        self._thorough = inside._make_api_call  # noqa: SLF001
        self._http = inside._endpoint.http_session  # noqa: SLF001
        self._events = client.meta.events
        self._models = client.meta.service_model
        self._session = session
        self._patterns: dict[str, _Pattern] = {}
        self._this_thread = threading.local()
        hook = cast("Any", self._before_botocore_sends)
        for operation in _OPERATIONS:
            self._events.register_first(f"before-send.sqs.{operation}", hook)

    def call(self, operation: str, parameters: dict[str, object]) -> dict[str, Any]:
        """Make a request; takes, returns and raises what botocore does."""
        pattern = self._patterns.get(operation)
        text = _without_bytes(parameters) if pattern else None
        if pattern is None or text is None:
            return self._thorough(operation, parameters)
        request = self._signed(pattern, text.encode())
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
            context=request.context,
        )
        return answer

    def _signed(self, pattern: _Pattern, body: bytes) -> "_Request":
        request = _Request(pattern.url, _Headers(pattern.headers), body)
        credentials = self._session.get_credentials()
        assert credentials is not None  # noqa: S101 the pattern was signed with them
        frozen = credentials.get_frozen_credentials()
        _Signature(frozen, pattern.signing_name, pattern.region).add_auth(cast("Any", request))
        request.headers["content-length"] = str(len(body))
        return request

    def _response(self, operation: str, request: "_Request") -> AWSResponse:
        hooked = self._events.emit(f"before-send.sqs.{operation}", request=request)
        return first_non_none_response(hooked) or self._over_http(request)

    def _over_http(self, request: "_Request") -> AWSResponse:
        """Send on a connection that is open already; what opens one is botocore."""
        if self._http._proxy_config.proxy_url_for(request.url):  # noqa: SLF001
            return self._http.send(request)
        pool = self._http._manager.connection_from_url(request.url)  # noqa: SLF001
        connection = pool._get_conn()  # noqa: SLF001 it leaves out those that the other end closed
        try:
            if connection.sock:
                return _exchange(connection, request)
        finally:
            pool._put_conn(connection)  # noqa: SLF001
        return self._http.send(request)

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
        if operation not in self._patterns and (pattern := _pattern_of(request)):
            self._patterns[operation] = pattern
        return outcome


def _exchange(connection: http.client.HTTPConnection, request: "_Request") -> AWSResponse:
    """What urllib3 does on an open connection, in half of the time: by Python's own HTTP.

    Raises:
        BotoCoreError: as botocore's session does.
    """
    url = request.url
    try:
        try:
            plain = http.client.HTTPConnection
            headers = cast("_Headers", request.headers)
            plain.request(
                connection, "POST", urlsplit(url).path, cast("bytes", request.body), headers
            )
            response = plain.getresponse(connection)
            content = response.read()
        except BaseException:
            connection.close()
            raise
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=url, error=error) from error
    except ssl.SSLError as error:
        raise SSLError(endpoint_url=url, error=error) from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionClosedError(endpoint_url=url, request=request, error=error) from error
    return AWSResponse(url, response.status, cast("Any", response.headers), _Content(content))


def _first_failure(outcome: AWSResponse | BotoCoreError) -> BotoCoreError:
    if isinstance(outcome, BotoCoreError):
        return outcome
    return HTTPClientError(error=f"HTTP {outcome.status_code}, and nobody to read it")


class _Content:
    """What was read already, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


class _Headers(dict[str, str]):
    def get_all(self, name: str) -> list[str]:
        """As an email message has it, which is what botocore's signer works with."""
        return [self[name]]


class _Request(AWSPreparedRequest):
    """One that can be signed and sent."""

    def __init__(self, url: str, headers: _Headers, body: bytes) -> None:
        super().__init__("POST", url, cast("Any", headers), body, stream_output=False)
        self.params: dict[str, str] = {}
        self.context: dict[str, object] = {}


class _Signature(SigV4Auth):
    def headers_to_sign(self, request: Any) -> Any:
        return _Headers(
            {
                name.lower(): value
                for name, value in request.headers.items()
                if name not in SIGNED_HEADERS_BLACKLIST
            }
        )


def _pattern_of(request: AWSPreparedRequest) -> _Pattern | None:
    """What stays the same in the next request of the kind; None when it is signed otherwise."""
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    signature = headers.get("authorization", "")
    if not signature.startswith(_SIGNATURE_BEGINS):
        return None
    *_, region, signing_name, _ = signature.partition(",")[0].split("/")
    kept = {name: value for name, value in headers.items() if name not in _NOT_REPEATED}
    host = urlsplit(request.url).netloc.rpartition("@")[2]
    return _Pattern(
        url=request.url, headers={"host": host, **kept}, region=region, signing_name=signing_name
    )


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
    read["ResponseMetadata"] = {
        "RequestId": response.headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": response.status_code,
        "HTTPHeaders": {name.lower(): value for name, value in response.headers.items()},
        "RetryAttempts": 0,
    }
    return read


def _holds_null(value: object) -> bool:
    match value:
        case dict():
            return any(map(_holds_null, cast("dict[str, object]", value).values()))
        case list():
            return any(map(_holds_null, cast("list[object]", value)))
        case _:
            return value is None
