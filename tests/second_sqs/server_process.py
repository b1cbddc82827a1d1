"""The second SQS's own process: it reaches loopback only, and ends with who started it.

Run by path with the second environment's `python -I`, so that nothing of the caller's environment
reaches it.
"""

import functools
import ipaddress
import os
import signal
import sys
import threading
from typing import Any

from localstack.runtime.main import main
from twisted.internet import endpoints

LOOPBACK = "127.0.0.1"


def _end_with_owner() -> None:
    # The owner holds the other end of standard input; a killed owner closes it too.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every other address; what would be sent out is seen in the log, and a test reads it.

    Telemetry and downloads are switched off by settings; this holds what the settings promise.
    """
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else LOOPBACK
    elif event == "socket.getaddrinfo":
        host = arguments[0] or LOOPBACK
    else:
        return
    if not _is_loopback(host):
        print(f"refused: {event} {host!r}", file=sys.stderr, flush=True)  # noqa: T201
        raise PermissionError(f"{event}: {host!r} is not on this machine")


def _is_loopback(host: str | bytes) -> bool:
    text = host.decode() if isinstance(host, bytes) else host
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


if __name__ == "__main__":
    sys.addaudithook(_stay_on_loopback)
    # The server listens on all interfaces, whatever GATEWAY_LISTEN says.
    endpoints.TCP4ServerEndpoint = functools.partial(
        endpoints.TCP4ServerEndpoint, interface=LOOPBACK
    )
    threading.Thread(target=_end_with_owner, daemon=True).start()
    main()
