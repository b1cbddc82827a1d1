"""Stands between our code and the embedded AWS, and fails as AWS does, in AWS's wire format.

What it does to the n-th request of an operation is drawn from a seed, so a run meets the same
again, as far as its own requests come in the same order.
"""

import contextlib
import functools
import http.client
import http.server
import json
import random
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import botocore.session

LOOPBACK = "127.0.0.1"
Fault = Literal[
    "throttled", "failed", "page", "slow", "reset before", "reset after", "cut", "partial"
]
"""What happens to a request; each comes from AWS or from what stands before it.

- throttled, failed: refused in the service's own words, before it was looked at.
- page: a load balancer's page instead of the service's answer.
- slow: answered late.
- reset before, reset after: the connection breaks, before AWS has the request or when it has been
  carried out.
- cut: it is carried out, and the connection breaks in the middle of the answer.
- partial: some entries of a batch fail.
"""
FAULTS: tuple[Fault, ...] = (
    "throttled", "failed", "page", "slow", "reset before", "reset after", "cut", "partial"
)  # fmt: skip
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\r\n"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is injected.

    Attributes:
        faults: one of these each time.
        rate: part of the requests that meet one, 0 to 1.
        seed: draws which, and which fault.
        operations: that may meet one; None (default) for all.
        spares_provider: nothing happens to what the engine's provider asks for.
        in_a_row: how often the same request may be struck before it passes. The SDKs repeat a
            request four times: what fails for longer is no fault among others but an outage.
        slow_seconds: how late a slow answer is.
    """

    faults: tuple[Fault, ...]
    rate: float
    seed: int = 0
    operations: frozenset[str] | None = None
    spares_provider: bool = False
    in_a_row: float = 3
    slow_seconds: float = 0.3

    def draw(self, request: "_Request", number: int) -> tuple[Fault | None, random.Random]:
        """The fault of an operation's request of that number, and what draws its details."""
        chance = random.Random(f"{self.seed} {request.operation} {number}")  # noqa: S311
        is_meant = self.operations is None or request.operation in self.operations
        if self.spares_provider and "reliable-queue-provider" in request.headers["user-agent"]:
            is_meant = False
        possible = [f for f in self.faults if f != "partial" or request.entries]
        if not is_meant or not possible or chance.random() >= self.rate:
            return None, chance
        return chance.choice(possible), chance


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    service: str
    operation: str

    @functools.cached_property
    def identity(self) -> int:
        """The same for each attempt of a call. Several threads may make the same call at once:
        botocore numbers them, where ours leaves that out.
        """
        number = self.headers.get("amz-sdk-invocation-id") or self.body
        return hash((self.operation, self.path, number))

    @functools.cached_property
    def entries(self) -> list[dict[str, Any]]:
        is_batch = self.service == "sqs" and self.operation.endswith("Batch")
        return json.loads(self.body)["Entries"] if is_batch else []

    def with_entries(self, entries: list[dict[str, Any]]) -> bytes:
        return json.dumps({**json.loads(self.body), "Entries": entries}).encode()


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class FaultProxy:
    """A running proxy.

    Attributes:
        endpoint_url, port: where it listens.
        upstream: where it forwards to; to be set before the first request.
        requests: how many came, by operation.
        injected: how many met a fault, by operation and fault.
    """

    port: int
    upstream: int = 0
    requests: Counter[str] = field(default_factory=Counter[str])
    injected: Counter[tuple[str, Fault]] = field(default_factory=Counter[tuple[str, Fault]])
    _plan: Plan | None = None
    _in_a_row: Counter[int] = field(default_factory=Counter[int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @contextlib.contextmanager
    def injecting(self, plan: Plan) -> Iterator[None]:
        """Inject faults until the block ends; what was counted before is forgotten."""
        with self._lock:
            self.requests.clear()
            self.injected.clear()
            self._in_a_row.clear()
            self._plan = plan
        try:
            yield
        finally:
            self._plan = None

    def struck(self, operation: str) -> int:
        """How many requests of an operation met a fault."""
        return sum(count for (of, _), count in self.injected.items() if of == operation)

    def choose(self, request: _Request) -> tuple[Fault | None, random.Random]:
        """Count a request, and draw its fault."""
        with self._lock:
            self.requests[request.operation] += 1
            if self._plan is None:
                return None, random.Random()  # noqa: S311
            fault, chance = self._plan.draw(request, self.requests[request.operation])
            same = request.identity
            if fault is None or self._in_a_row[same] >= self._plan.in_a_row:
                del self._in_a_row[same]
                return None, chance
            self._in_a_row[same] += 1
            self.injected[request.operation, fault] += 1
            return fault, chance

    @property
    def slow_seconds(self) -> float:
        return self._plan.slow_seconds if self._plan else 0


@contextlib.contextmanager
def running_proxy() -> Iterator[FaultProxy]:
    """Listen on a free loopback port until the block ends."""
    server = _Server((LOOPBACK, 0), _Handler)
    server.proxy = FaultProxy(port=server.server_port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultProxy

    def shutdown_request(self, request: Any) -> None:
        # Without the orderly end that would come before a reset.
        request.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self._upstream = http.client.HTTPConnection(LOOPBACK, self.server.proxy.upstream)
        # The other end may close it, or break it off, at any time.
        with contextlib.closing(self._upstream), contextlib.suppress(ConnectionError):
            super().handle()

    def _pass(self) -> None:
        request = self._read()
        fault, chance = self.server.proxy.choose(request)
        if fault == "reset before":
            self._reset()
        elif fault in ("throttled", "failed"):
            self._write(_refusal(request, fault))
        elif fault == "page":
            self._write(_Answer(status=502, headers={"content-type": "text/html"}, body=_PAGE))
        elif fault == "partial":
            self._write(self._forward_some(request, chance))
        else:
            answer = self._forward(request, request.body)
            if fault == "slow":
                time.sleep(self.server.proxy.slow_seconds)
            if fault == "reset after":
                self._reset()
            else:
                self._write(answer, cut=fault == "cut")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _pass  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _read(self) -> _Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        service = re.search(r"/([^/]+)/aws4_request", headers.get("authorization", ""))
        return _Request(
            method=self.command,
            path=self.path,
            headers=headers,
            body=body,
            service=service[1] if service else "",
            operation=_operation(self.command, self.path, headers, body),
        )

    def _forward(self, request: _Request, body: bytes) -> _Answer:
        headers = {**request.headers, "host": f"{LOOPBACK}:{self.server.proxy.upstream}"}
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        self._upstream.request(request.method, request.path, body or None, headers)
        response = self._upstream.getresponse()
        kept = {n.lower(): v for n, v in response.getheaders() if n.lower() not in _HOP_BY_HOP}
        return _Answer(status=response.status, headers=kept, body=response.read())

    def _forward_some(self, request: _Request, chance: random.Random) -> _Answer:
        """Have some entries, one at least, fail as they do when a server of SQS is in trouble."""
        first = chance.randrange(len(request.entries))
        struck = {
            entry["Id"]
            for number, entry in enumerate(request.entries)
            if number == first or chance.random() < 0.4
        }
        rest = [entry for entry in request.entries if entry["Id"] not in struck]
        done: dict[str, Any] = {"Successful": [], "Failed": []}
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "chaos"}
        if rest:
            answer = self._forward(request, request.with_entries(rest))
            if answer.status != http.HTTPStatus.OK:
                return answer
            done, headers = {**done, **json.loads(answer.body)}, answer.headers
        words = {"Code": "InternalError", "SenderFault": False, "Message": "Injected."}
        done["Failed"] = [*done["Failed"], *({"Id": id_, **words} for id_ in sorted(struck))]
        # As AWS does it: a list without anything in it is left out.
        body = json.dumps({name: value for name, value in done.items() if value}).encode()
        return _Answer(status=200, headers=headers, body=body)

    def _write(self, answer: _Answer, *, cut: bool = False) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._reset()
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    def _reset(self) -> None:
        """Close with a reset, as a connection that breaks ends."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _operation(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return urllib.parse.parse_qs(body.decode())["Action"][0]
    if cbor := re.fullmatch(r"/service/[^/]+/operation/([^/]+)", path):
        return cbor[1]
    return _lambda_operation(method, urllib.parse.urlsplit(path).path)


@functools.cache
def _lambda_operations() -> list[tuple[str, re.Pattern[str], str]]:
    model = botocore.session.get_session().get_service_model("lambda")
    found: list[tuple[str, re.Pattern[str], str]] = []
    for name in model.operation_names:
        http_ = model.operation_model(name).http
        uri = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(http_["requestUri"].partition("?")[0]))
        found.append((http_["method"], re.compile(f"{uri}/?"), name))
    return found


def _lambda_operation(method: str, path: str) -> str:
    """By method and path; the emulator's own paths stand for themselves."""
    matches = (
        name for of, uri, name in _lambda_operations() if of == method and uri.fullmatch(path)
    )
    return next(matches, path)


def _refusal(request: _Request, fault: Fault) -> _Answer:
    """An error in the service's protocol: AWS's names, statuses and envelopes."""
    is_throttled = fault == "throttled"
    render = _REFUSALS.get(request.service, _xml_refusal)
    return render(is_throttled)


def _json_refusal(version: str, namespace: str, throttled: str, is_throttled: bool) -> _Answer:
    code = throttled if is_throttled else "InternalFailure"
    side = "Sender" if is_throttled else "Receiver"
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amzn-requestid": "chaos"}
    if namespace:
        # Services that spoke XML once: the codes of then go along.
        headers["x-amzn-query-error"] = f"{code};{side}"
    body = json.dumps({"__type": f"{namespace}{code}", "message": "Injected."}).encode()
    return _Answer(status=400 if is_throttled else 500, headers=headers, body=body)


def _lambda_refusal(is_throttled: bool) -> _Answer:
    code = "TooManyRequestsException" if is_throttled else "ServiceException"
    body: dict[str, str] = {"Type": "User" if is_throttled else "Service", "message": "Injected."}
    if is_throttled:
        body["Reason"] = "CallerRateLimitExceeded"
    headers = {"content-type": "application/json", "x-amzn-errortype": code}
    return _Answer(
        status=429 if is_throttled else 500,
        headers={**headers, "x-amzn-requestid": "chaos"},
        body=json.dumps(body).encode(),
    )


def _xml_refusal(is_throttled: bool) -> _Answer:
    code, side = ("Throttling", "Sender") if is_throttled else ("InternalFailure", "Receiver")
    body = (
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code>"
        "<Message>Injected.</Message></Error><RequestId>chaos</RequestId></ErrorResponse>"
    )
    return _Answer(
        status=400 if is_throttled else 500,
        headers={"content-type": "text/xml", "x-amzn-requestid": "chaos"},
        body=body.encode(),
    )


_REFUSALS: dict[str, Callable[[bool], _Answer]] = {
    "sqs": functools.partial(_json_refusal, "1.0", "com.amazonaws.sqs#", "RequestThrottled"),
    "logs": functools.partial(_json_refusal, "1.1", "", "ThrottlingException"),
    "monitoring": functools.partial(
        _json_refusal, "1.0", "com.amazonaws.cloudwatch.v2010_08_01#", "Throttling"
    ),
    "lambda": _lambda_refusal,
}
