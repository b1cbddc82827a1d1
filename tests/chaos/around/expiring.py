"""A proxy in front of an endpoint at which credentials expire, and can be renewed."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_WORDS = "The security token included in the request is expired"


@dataclass(kw_only=True)
class Credentials:
    """Whether requests are taken.

    Attributes:
        url: where to send them.
        operation: the credentials expire at a request for this, as JSON services name it.
        left: how many of these are taken before.
        refused: how many requests were refused so far.
    """

    url: str
    operation: str = ""
    left: int = 0
    refused: int = 0
    _expired: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def renew(self) -> None:
        self._expired, self.operation = False, ""

    def expire(self) -> None:
        self._expired = True

    def take(self, operation: str) -> bool:
        """Whether a request is taken."""
        with self._lock:
            if self.operation and operation == self.operation:
                self.left -= 1
                self._expired = self._expired or self.left < 0
            self.refused += self._expired
            return not self._expired


@contextlib.contextmanager
def expiring_credentials(endpoint_url: str) -> Iterator[Credentials]:
    """Serve an endpoint on a port of its own until the block ends."""
    host = urlsplit(endpoint_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
            if not credentials.take(operation):
                self._refuse()
                return
            connection = http.client.HTTPConnection(host, timeout=60)
            with contextlib.closing(connection):
                # The host that was asked stays in the URLs of queues.
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                self._answer(answer.status, answer.read(), dict(answer.getheaders()))

        def _refuse(self) -> None:
            if "urlencoded" in (self.headers.get("Content-Type") or ""):
                text = f"<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>{_WORDS}"
                body = f"<ErrorResponse>{text}</Message></Error></ErrorResponse>"
            else:
                body = json.dumps({"__type": "x#ExpiredTokenException", "message": _WORDS})
            headers = {"x-amzn-errortype": "ExpiredTokenException"}
            self._answer(403, body.encode(), headers)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _handle  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        credentials = Credentials(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield credentials
        finally:
            server.shutdown()
            thread.join()
