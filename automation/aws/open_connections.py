"""One request and its answer on a connection that is open already.

What opens a connection is botocore's HTTP session, with its certificates, proxies and time-outs.
Python's own HTTP makes an email message of an answer's headers, which takes longer than everything
else that is done with them. Here a plain answer is read, which is nearly every one: a success with
its length, on a connection that stays open. Whatever else comes is read by Python's HTTP, from its
first byte.
"""

import functools
import http.client
import io
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError, SSLError

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

_PLAIN_STATUS = re.compile(r"HTTP/1\.1 200 [ -~]*")
_FIELD = re.compile(r"([A-Za-z0-9-]+):[ \t]*([ -~]*)")
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
# Python's HTTP takes a lone line feed for a line's end too.
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
# As much as Python's HTTP takes of one line; it refuses more, and says so.
_LONGEST_HEAD_BYTES = 65_536
_READ_BYTES = 65_536
# Python takes memory for as much as it is asked to read, and the length is what the server says.
_READ_AT_MOST_BYTES = 1 << 20


class PlainResponse(AWSResponse):
    """A success. Its headers get botocore's shape when somebody asks for them.

    Attributes:
        lowered: the headers by their names in lower case.
    """

    def __init__(self, url: str, lowered: dict[str, str], content: bytes) -> None:
        self.url = url
        self.status_code = 200
        self.lowered = lowered
        self._content = content

    @functools.cached_property
    def headers(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As botocore has them."""
        return HeadersDict(self.lowered)


class OpenConnections:
    """Those that botocore's HTTP session holds open.

    Args:
        http: the session; where a proxy is in between, or no connection is open, it sends.
    """

    def __init__(self, http: Any) -> None:
        self._http = http
        self._pools: Any = http._manager.pools  # noqa: SLF001
        self._keys: dict[str, object] = {}

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request with a body of bytes and return the answer.

        Raises:
            BotoCoreError: as botocore's session does.
        """
        url = request.url
        if url not in self._keys:
            self._keys[url] = self._key(url)
        # The session may be closed, and its pools are gone then.
        pool = self._pools.get(self._keys[url])
        if pool is None:
            return self._http.send(request)
        connection = pool._get_conn()  # noqa: SLF001 it leaves out those that the other end closed
        try:
            if connection.sock:
                return _sent(request, connection)
        finally:
            pool._put_conn(connection)  # noqa: SLF001
        return self._http.send(request)

    def _key(self, url: str) -> object:
        """What urllib3 finds the connections to an address by, which it takes long to make up."""
        if self._http._proxy_config.proxy_url_for(url):  # noqa: SLF001
            return None
        pool = self._http._manager.connection_from_url(url)  # noqa: SLF001
        return next(key for key in self._pools.keys() if self._pools[key] is pool)  # noqa: SIM118


def _sent(request: AWSPreparedRequest, connection: http.client.HTTPConnection) -> AWSResponse:
    url = request.url
    try:
        try:
            response, stays_open = exchange(request, connection.sock)
        except BaseException:
            connection.close()
            raise
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=url, error=error) from error
    except ssl.SSLError as error:
        raise SSLError(endpoint_url=url, error=error) from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionClosedError(endpoint_url=url, request=request, error=error) from error
    if not stays_open:
        connection.close()
    return response


def exchange(request: AWSPreparedRequest, sock: "socket.socket") -> tuple[AWSResponse, bool]:
    """Send, read; return the answer, and whether the next request may use the connection.

    Raises:
        OSError, HTTPException: as Python's HTTP does.
    """
    fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    head = (
        f"POST {urlsplit(request.url).path} HTTP/1.1\r\n{fields}accept-encoding: identity\r\n\r\n"
    )
    sock.sendall(head.encode("latin-1") + cast("bytes", request.body))
    received = sock.recv(_READ_BYTES)
    while not (end := _END_OF_HEAD.search(received)):
        more = sock.recv(_READ_BYTES) if len(received) < _LONGEST_HEAD_BYTES else b""
        if not more:
            return _read_by_python(request.url, received, sock)
        received += more
    headers = _plain_headers(received[: end.start()])
    if headers is None:
        return _read_by_python(request.url, received, sock)
    length = int(headers["content-length"])
    content = _content(received[end.end() :], length, sock)
    is_alone = len(content) == length
    return PlainResponse(request.url, headers, content[:length]), is_alone


def _plain_headers(head: bytes) -> dict[str, str] | None:
    """Those of a plain answer by their names in lower case; None when it is another."""
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = [_FIELD.fullmatch(line) for line in lines]
    headers = {field[1].lower(): field[2] for field in fields if field}
    is_plain = (
        # A line that is none, or goes on in the next, or a name that comes twice.
        len(headers) == len(lines)
        and _PLAIN_STATUS.fullmatch(status)
        and _LENGTH.fullmatch(headers.get("content-length", ""))
        and "transfer-encoding" not in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
    )
    return headers if is_plain else None


def _content(begun: bytes, length: int, sock: "socket.socket") -> bytes:
    if len(begun) >= length:
        return begun
    parts, missing = [begun], length - len(begun)
    while missing > 0:
        part = sock.recv(min(missing, _READ_AT_MOST_BYTES))
        if not part:
            raise http.client.IncompleteRead(b"".join(parts), missing)
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _read_by_python(url: str, begun: bytes, sock: "socket.socket") -> tuple[AWSResponse, bool]:
    source = cast("socket.socket", _Begun(begun, sock))
    with http.client.HTTPResponse(source, method="POST") as response:
        response.begin()
        content = response.read()
    headers = cast("Mapping[str, str]", response.headers)
    answer = AWSResponse(url, response.status, cast("Any", headers), _Content(content))
    return answer, not response.will_close


class _Begun(io.RawIOBase):
    """What was received of an answer and then the rest, as Python's HTTP reads from a socket."""

    def __init__(self, begun: bytes, sock: "socket.socket") -> None:
        self._begun = begun
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if not self._begun:
            return self._sock.recv_into(buffer)
        view = memoryview(buffer)
        taken = self._begun[: len(view)]
        self._begun = self._begun[len(taken) :]
        view[: len(taken)] = taken
        return len(taken)


class _Content:
    """What was read already, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content
