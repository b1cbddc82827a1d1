"""The order in which the tests are given to the processes that run them."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the engine come first, so that short ones are left to fill the end with.

    Among themselves all stay in their random order; pytest-xdist hands out whole files.
    """
    slow = {item.path for item in items if item.get_closest_marker("engine")}
    items.sort(key=lambda item: item.path not in slow)
