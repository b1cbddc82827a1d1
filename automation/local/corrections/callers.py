"""Lets nobody call the emulator but programs of this user: no other user, no page in a browser.

The emulator asks for no password and runs what it is given as a function. A page that a browser
shows may send requests to a loopback port, under that port's name or, by DNS rebinding, its own.
"""

import importlib
from typing import Any

from automation.local.corrections.replacing import replace
from automation.local.peers import is_own_user

_HOSTS = frozenset({b"127.0.0.1", b"localhost"})
# Fetch Metadata Request Headers, W3C: browsers alone send it, and no script can set it. What
# somebody typed is "none", what comes from one of the emulator's own pages "same-origin".
_OWN_SITES = frozenset({b"none", b"same-origin"})


def apply() -> None:
    """Close connections of other users, and refuse what a browser sends for another site."""
    emulator = importlib.import_module("ministack.app")
    server = importlib.import_module("hypercorn.asyncio.tcp_server").TCPServer

    async def app(scope: Any, receive: Any, send: Any) -> None:
        refused = None if scope["type"] == "lifespan" else refusal(scope["headers"])
        if refused is None:
            await original(scope, receive, send)
        else:
            await _refuse(scope, send, refused)

    async def run(self: Any) -> None:
        connection = self.writer.get_extra_info("socket")
        try:
            is_ours = is_own_user(connection.getpeername(), connection.getsockname())
        except OSError:
            # It is gone already.
            is_ours = False
        if is_ours:
            await run_original(self)
        else:
            self.writer.close()

    original = replace(emulator, "app", app)
    run_original = replace(server, "run", run)


def refusal(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Why a request is not for us; None when it is.

    Args:
        headers: of the request, names in small letters, as ASGI has them.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _HOSTS:
        return "Host must be 127.0.0.1 or localhost"
    for name, value in headers:
        if name == b"origin" and value != b"http://" + hosts[0]:
            return "Origin must be the embedded AWS's own"
        if name == b"sec-fetch-site" and value not in _OWN_SITES:
            return "Sec-Fetch-Site must be none or same-origin"
    return None


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.lower().partition(b":")
    return name if not colon or port.isdigit() else host


async def _refuse(scope: Any, send: Any, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    text = f"refused by the embedded AWS: {reason}\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": text})
