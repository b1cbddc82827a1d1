"""Nobody calls the emulator but programs of this user, and no page that a browser shows."""

import http.client
import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from automation.local.corrections.callers import refusal

HEALTH, RESET = ("GET", "/_ministack/health"), ("POST", "/_ministack/reset")
CREATE = ("POST", "/2015-03-31/functions")


def status(url: str, request: tuple[str, str], headers: Mapping[str, str]) -> int:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port or 0, timeout=10)
    try:
        connection.request(*request, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("request_", [HEALTH, RESET, CREATE], ids=lambda r: r[1])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:4566"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "127.0.0.1@attacker.example"},
        {"Host": "bucket.s3.amazonaws.com"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_request_for_another_site_is_refused(
    emulator_url: str, request_: tuple[str, str], headers: dict[str, str]
) -> None:
    assert status(emulator_url, request_, headers) == 403


def test_preflight_of_another_site_is_refused(emulator_url: str) -> None:
    asked = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"}
    assert status(emulator_url, ("OPTIONS", "/"), asked) == 403


def test_request_of_a_program_or_of_who_typed_the_address_is_answered(emulator_url: str) -> None:
    port = urlsplit(emulator_url).port
    for headers in (
        {},
        {"Host": f"localhost:{port}"},
        {"Host": f"LOCALHOST:{port}"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": emulator_url},
    ):
        assert status(emulator_url, HEALTH, headers) == 200, headers


def test_request_with_two_hosts_or_none_is_refused() -> None:
    ours = (b"host", b"127.0.0.1:1")
    assert refusal([ours]) is None
    assert refusal([]) is not None
    assert refusal([ours, (b"host", b"attacker.example")]) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="this system does not tell")
def test_connection_of_another_user_is_closed_unanswered(emulator_url: str) -> None:
    place = urlsplit(emulator_url)
    answers = {}
    for user in (0, 65_534):
        os.seteuid(user)
        try:
            # It belongs to who makes it, whoever uses it.
            client = socket.socket()
        finally:
            os.seteuid(0)
        with client:
            client.settimeout(10)
            client.connect((place.hostname, place.port))
            client.sendall(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                answers[user] = client.recv(12)
            except ConnectionResetError:
                answers[user] = b""
    assert answers == {0: b"HTTP/1.1 200", 65_534: b""}
