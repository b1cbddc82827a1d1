"""Who is at the other end of a connection on loopback: a process of this user, or somebody else's.

Neither the emulator nor the engine's protocol for providers knows a password, and a port is no
secret on a machine that several people use. Linux tells whose a socket is, through the interface
that `ss` uses: sock_diag(7), of which the numbers and shapes below are.
"""

import functools
import os
import socket
import struct

Address = tuple[str, int]
"""An IPv4 address and a port."""

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 20, 1
_TCP_ESTABLISHED = 1
# struct nlmsghdr, and struct inet_diag_req_v2 with its struct inet_diag_sockid: ports and addresses
# in the order of the network, 16 bytes for an address, any interface, any cookie.
_REQUEST = struct.Struct("=IHHII BBBBI 2s2s16s16sIQ")
_ANY_COOKIE = 2**64 - 1
# struct inet_diag_msg: its state in the second byte, the user's id behind the sockid and three
# other numbers.
_ANSWER = struct.Struct("=IHHII BBBB 48s IIIII")


def is_own_user(client: Address, server: Address) -> bool:
    """Whether the process that opened a connection runs as the user of this one.

    Where the system does not tell, as macOS, everybody is let in: SECURITY.md.

    Args:
        client: the far end, on this machine.
        server: our end.
    """
    return not _system_tells() or _user_of(client, server) == os.geteuid()


@functools.cache
def _system_tells() -> bool:
    """Whether it knows whose a connection of ours is: a kernel may lack that part."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        try:
            return _user_of(client.getsockname(), server.getsockname()) == os.geteuid()
        except (AttributeError, OSError):
            return False


def _user_of(client: Address, server: Address) -> int | None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as asking:
        asking.send(_question(client, server))
        return _user_in(asking.recv(4096))


def _question(client: Address, server: Address) -> bytes:
    # As the client's own socket has it: it is the source.
    ends = [port.to_bytes(2) for _, port in (client, server)]
    ends += [socket.inet_aton(host).ljust(16, b"\0") for host, _ in (client, server)]
    header = (_REQUEST.size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
    family = (socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << _TCP_ESTABLISHED)
    return _REQUEST.pack(*header, *family, *ends, 0, _ANY_COOKIE)


def _user_in(answer: bytes) -> int | None:
    """The user of the socket; None when there is none, or only what is left of one."""
    _, kind = struct.unpack_from("=IH", answer)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return None
    fields = _ANSWER.unpack_from(answer)
    state, user = fields[6], fields[-2]
    return user if state == _TCP_ESTABLISHED else None
