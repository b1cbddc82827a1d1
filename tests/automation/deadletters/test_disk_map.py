"""A map on disk takes any text, also what UTF-8 doesn't know."""

import sqlite3

import pytest

from automation.deadletters import disk_map as disk_map_module
from automation.deadletters.disk_map import DiskMap
from automation.errors import AutomationError


def test_lone_surrogates_and_nul_come_back_unaltered() -> None:
    with DiskMap() as disk_map:
        disk_map.put([("\ud83d", "\udc00\x00"), ("\\ud83d", "another")])
        assert not disk_map.add("\ud83d")
        assert disk_map.get("\ud83d") == "\udc00\x00"
        assert list(disk_map.items()) == [("\ud83d", "\udc00\x00"), ("\\ud83d", "another")]


def test_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        database = connect(*arguments, **options)  # type: ignore[call-overload]
        database.execute("PRAGMA max_page_count = 5")
        return database

    connect = sqlite3.connect
    monkeypatch.setattr(disk_map_module.sqlite3, "connect", small)
    with DiskMap() as disk_map:
        for change in (
            lambda: disk_map.add("k", "x" * 50_000),
            lambda: disk_map.put([("k", "x" * 50_000)]),
        ):
            with pytest.raises(AutomationError, match=r"disk is full.*TMPDIR"):
                change()
