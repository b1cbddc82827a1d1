"""A map on disk takes any text, also what UTF-8 doesn't know."""

from automation.deadletters.disk_map import DiskMap


def test_lone_surrogates_and_nul_come_back_unaltered() -> None:
    with DiskMap() as disk_map:
        disk_map.put([("\ud83d", "\udc00\x00"), ("\\ud83d", "another")])
        assert not disk_map.add("\ud83d")
        assert disk_map.get("\ud83d") == "\udc00\x00"
        assert list(disk_map.items()) == [("\ud83d", "\udc00\x00"), ("\\ud83d", "another")]
