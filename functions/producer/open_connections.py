"""POST on connections that are open already, without what urllib3 does for each request.

What opens a connection is botocore's HTTP session, by the first request on it: its certificates,
its time-outs, its names for errors. What follows on it is written in one piece, so that the other
end wakes up once for it, and of a plain answer's headers only the length is looked for. Any other
answer is read by Python's own HTTP. It takes a tenth of the processor time.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError, SSLError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3 import PoolManager

if TYPE_CHECKING:
    import io
    from collections.abc import Mapping

    from botocore.awsrequest import AWSPreparedRequest

# Else the kernel holds a request's body back until its head has been acknowledged.
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

# The head of a success that ends after so many bytes, and leaves the connection open.
_OTHER_HEADERS = rb"(?:(?!transfer-encoding:|connection: *close)[^\r\n]+\r\n)*?"
PLAIN_HEAD = re.compile(
    rb"HTTP/1\.1 200[^\r\n]*\r\n"
    + _OTHER_HEADERS
    + rb"content-length: *(\d+)\r\n"
    + _OTHER_HEADERS
    + rb"\r\n",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, whatever it means; header names are lower case, a plain success has none."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class OpenConnections:
    """Connections to one address, for several threads.

    Args:
        url: where all requests go.
        ca_bundle: a file of certificates; None for botocore's own.
        connections: how many are kept open.
        connect_seconds, read_seconds: how long a connection, and an answer, is waited for.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_bundle: str | None,
        connections: int,
        connect_seconds: float,
        read_seconds: float,
    ) -> None:
        self._session: Any = URLLib3Session(
            verify=cast("bool", ca_bundle or True),
            proxies=get_environ_proxies(url),
            timeout=(connect_seconds, read_seconds),  # pyright: ignore[reportArgumentType] it may
            max_pool_connections=connections,
            socket_options=[NO_DELAY],  # pyright: ignore[reportArgumentType] it takes nothing else
        )
        self._pool = _kept_connections(self._session, url)
        self._request_line = f"POST {urlsplit(url).path} HTTP/1.1"

    def post(self, request: AWSPreparedRequest) -> Answer:
        """Send once and wait for the answer.

        Raises:
            BotoCoreError: as botocore's session does, when there is none.
        """
        answer = self._post_on_open(request)
        if answer is not None:
            return answer
        answer = self._session.send(request)
        return _read(answer.status_code, answer.headers, answer.content)

    def _post_on_open(self, request: AWSPreparedRequest) -> Answer | None:
        if self._pool is None:
            return None
        # It closes those that the other end has closed meanwhile.
        connection = self._pool._get_conn()  # noqa: SLF001
        try:
            return (
                _exchange(connection, self._written(request), request) if connection.sock else None
            )
        finally:
            # A new one knows nothing of the session's certificates: the session makes its own.
            self._pool._put_conn(connection if connection.sock else None)  # noqa: SLF001

    def _written(self, request: AWSPreparedRequest) -> bytes:
        headers = [f"{name}: {value}" for name, value in request.headers.items()]
        lines = [self._request_line, *headers, "Accept-Encoding: identity", "", ""]
        return "\r\n".join(lines).encode("latin-1") + cast("bytes", request.body)


def _kept_connections(session: Any, url: str) -> Any:
    """Where the session keeps those to an address; those to a proxy it keeps elsewhere.

    botocore and urllib3 come with Lambda's runtime, in versions that nobody here chooses. None when
    they keep them in a way that is not known here: all requests are the session's then.
    """
    manager = getattr(session, "_manager", None)
    pool: Any = manager.connection_from_url(url) if isinstance(manager, PoolManager) else None
    is_known = hasattr(pool, "_get_conn") and hasattr(pool, "_put_conn")
    return pool if is_known else None


def _exchange(
    connection: http.client.HTTPConnection, written: bytes, request: AWSPreparedRequest
) -> Answer:
    try:
        try:
            connection.sock.sendall(written)
            with connection.sock.makefile("rb") as reader:
                return _plain_answer(reader) or _any_answer(reader, connection)
        except BaseException:
            connection.close()
            raise
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except ssl.SSLError as error:
        raise SSLError(endpoint_url=request.url, error=error) from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionClosedError(
            endpoint_url=request.url, request=request, error=error
        ) from error


def _plain_answer(reader: io.BufferedReader) -> Answer | None:
    """None, and nothing read, when it is another, or its head has not come in one piece."""
    head = PLAIN_HEAD.match(reader.peek())
    if head is None:
        return None
    reader.read(head.end())
    length = int(head[1])
    content = reader.read(length)
    if len(content) < length:
        raise http.client.IncompleteRead(content, length - len(content))
    return Answer(status=http.HTTPStatus.OK, headers={}, content=content)


def _any_answer(reader: io.BufferedReader, connection: http.client.HTTPConnection) -> Answer:
    response = http.client.HTTPResponse(cast("socket.socket", _Begun(reader)), method="POST")
    response.begin()
    answer = _read(response.status, response.headers, response.read())
    if response.will_close:
        connection.close()
    return answer


def _read(status: int, headers: Any, content: bytes) -> Answer:
    lower = {name.lower(): value for name, value in headers.items()}
    return Answer(status=status, headers=lower, content=content)


@dataclass(frozen=True)
class _Begun:
    """As much of a socket as http.client needs: what has come already is in the reader."""

    reader: io.BufferedReader

    def makefile(self, _: str) -> io.BufferedReader:
        return self.reader
