"""For all tests: the order in which they are given out, and the package, built once."""

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Hypothesis fails an example that took 0.2 s: on a busy machine, or the first of a file, any does.
hypothesis.settings.register_profile("any speed", deadline=None)
hypothesis.settings.load_profile("any speed")


# A shell ignores it for what it runs in the background, and so does all that is started there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """A process for each core and one more: a test with the engine waits for much of it."""
    return min(8, os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the engine come first, so that short ones are left to fill the end with.

    Among themselves all stay in their random order; pytest-xdist hands out whole files.
    """
    slow = {item.path for item in items if item.get_closest_marker("engine")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """A client of a new session reads AWS's models anew, 0.1 s; here all sessions share them."""
    create_loader = botocore.session.create_loader
    botocore.session.create_loader = functools.cache(create_loader)
    yield
    botocore.session.create_loader = create_loader


@pytest.fixture
def hangup_is_heard() -> Iterator[None]:
    """Whoever runs the tests by `nohup` has it ignored, here and in every process of ours."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", *build, "--wheel-dir", str(folder)], check=True, timeout=120
    )
    (built,) = folder.glob("*.whl")
    return built
