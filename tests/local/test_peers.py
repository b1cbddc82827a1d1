"""Who opened a connection on loopback is told by the system."""

import os
import socket
from collections.abc import Iterator

import pytest

from automation.local.peers import is_own_user

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_NETLINK"), reason="this system does not tell"
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        yield client, accepted


def is_own(ends: tuple[socket.socket, socket.socket]) -> bool:
    accepted = ends[1]
    return is_own_user(accepted.getpeername(), accepted.getsockname())


def test_own_process_is_let_in(ends: tuple[socket.socket, socket.socket]) -> None:
    assert is_own(ends)


def test_process_of_another_user_is_not(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_own(ends)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert not is_own(ends)


def test_half_closed_connection_belongs_to_nobody(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ends[0].shutdown(socket.SHUT_WR)
    assert not is_own(ends)


def test_connection_that_is_not_there_is_nobody_s(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    host, port = ends[1].getsockname()
    assert not is_own_user(("127.0.0.1", 1), (host, port))
