"""One second SQS for all tests; for each an account of its own, with a queue and its letters."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.second_sqs.server import Server, running_server
from tests.second_sqs.stack import Stack

# Twelve digits as access key are an account of their own.
_ACCOUNTS = itertools.count(100_000_000_001)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("second-sqs")) as server:
        yield server
        assert server.process.poll() is None, server.log.read_text()[-4000:]
        # It wanted to speak to nobody but us.
        assert "refused: " not in server.log.read_text()


@pytest.fixture
def make_stack(server: Server, tmp_path: Path) -> Callable[..., Stack]:
    def make(*, is_fifo: bool = False) -> Stack:
        return Stack(server.endpoint_url, str(next(_ACCOUNTS)), tmp_path, is_fifo=is_fifo)

    return make


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack()


@pytest.fixture
def fifo_stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack(is_fifo=True)
