"""Imports are not slowed down by the collector, and it collects again afterwards."""

import gc

import pytest

from automation.importing import quick_imports


def test_garbage_is_collected_again_afterwards_whatever_happens() -> None:
    with pytest.raises(KeyboardInterrupt), quick_imports():
        assert not gc.isenabled()
        raise KeyboardInterrupt
    assert gc.isenabled()
    assert gc.get_freeze_count()
    gc.unfreeze()
