"""A map on disk takes any text, also what UTF-8 doesn't know."""

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.deadletters import disk_map as disk_map_module
from automation.deadletters.disk_map import DiskMap
from automation.errors import AutomationError


def test_lone_surrogates_and_nul_come_back_unaltered() -> None:
    with DiskMap() as disk_map:
        disk_map.put({"\ud83d": "\udc00\x00", "\\ud83d": "another"})
        assert not disk_map.add("\ud83d")
        assert disk_map.get("\ud83d") == "\udc00\x00"
        assert list(disk_map.items()) == [("\ud83d", "\udc00\x00"), ("\\ud83d", "another")]


TEXTS = st.sampled_from(["a", "b", "c", "\ud83d", ""])
CHANGES = st.lists(
    st.tuples(st.just("put"), st.dictionaries(TEXTS, TEXTS))
    | st.tuples(st.just("add"), st.tuples(TEXTS, TEXTS))
    | st.tuples(st.sampled_from(["get", "list"]), st.none())
)


@given(changes=CHANGES, room=st.integers(0, 9))
def test_is_a_dictionary_whatever_is_on_disk_already(
    changes: list[tuple[str, Any]], room: int
) -> None:
    known: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch, DiskMap() as disk_map:
        patch.setattr(disk_map_module, "_RECENT_CHARACTERS", room)
        for change, value in changes:
            match change:
                case "put":
                    disk_map.put(value)
                    known.update(value)
                case "add":
                    assert disk_map.add(*value) == (value[0] not in known)
                    known.setdefault(*value)
                case "list":
                    assert list(disk_map.items()) == list(known.items())
                case _:
                    assert disk_map.get_all(["a", "b", "\ud83d"]) == {
                        key: known[key] for key in ("a", "b", "\ud83d") if key in known
                    }
                    assert ("c" in disk_map, disk_map.get("")) == ("c" in known, known.get(""))
        assert len(disk_map) == len(known)


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
            lambda: disk_map.put({"k": "x" * 100_000}),
        ):
            with pytest.raises(AutomationError, match=r"disk is full.*TMPDIR"):
                change()
