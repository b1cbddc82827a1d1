"""What the journal asks of the disk where fsync alone does not reach it."""

import errno
import fcntl
import os
import sys

import pytest

from automation.deadletters.journal import to_disk

FULL_SYNC = 51


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A macOS that writes down by which call it was asked."""
    calls: list[str] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", FULL_SYNC, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, number: calls.append(f"fcntl {number}"))
    monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
    return calls


def test_macos_is_asked_to_empty_the_drive_s_memory_too(asked: list[str]) -> None:
    to_disk(0)
    assert asked == [f"fcntl {FULL_SYNC}"]


def refuse_with(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, __: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", refuse)


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOTTY])
def test_a_file_system_that_does_not_know_it_is_asked_for_less(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_with(number, monkeypatch)
    to_disk(0)
    assert asked == ["fsync"]


def test_what_the_drive_could_not_write_is_an_error(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_with(errno.EIO, monkeypatch)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        to_disk(0)
    assert asked == []
