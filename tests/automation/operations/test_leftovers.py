"""What runs have left is shown first and removed then; what somebody uses is left alone."""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from automation import cli
from automation.aws.clients import Clients
from automation.commands import cleanup
from automation.operations import leftovers
from automation.operations.leftovers import (
    Leftover,
    leftover_folders,
    leftover_log_groups,
    leftover_stacks,
    remove_leftover,
)
from automation.stacks import KEPT_MARK

Run = Callable[..., tuple[int, str, str]]


def embedded_folder(path: Path) -> Path:
    (path / "stacks").mkdir(parents=True)
    (path / "lock").touch()
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `cleanup` on folders below `tmp_path`, as somebody who can't be asked."""
    folders = partial(leftover_folders, tmp_path / "tmp", tmp_path / "homes")
    monkeypatch.setattr(cleanup, "leftover_folders", folders)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["cleanup", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_cleanup_shows_first_and_removes_with_yes(run: Run, tmp_path: Path) -> None:
    broken = embedded_folder(tmp_path / "tmp" / "reliable-queue-abc")
    kept = embedded_folder(tmp_path / "homes" / "e2e-123456")
    (kept / KEPT_MARK).touch()

    code, output, error = run()
    assert (code, output) == (2, "")
    assert f"folder: {broken}\nfolder: {kept}, kept on purpose\n" in error
    assert "Remove these 2, 1 of them kept on purpose? Nothing was done: say --yes" in error
    assert broken.exists()
    assert kept.exists()

    code, output, _ = run("--yes")
    assert (code, output) == (0, "2 removed\n")
    assert not broken.exists()
    assert not kept.exists()
    assert run()[:2] == (0, "nothing is left over\n")


def test_what_could_not_be_removed_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = embedded_folder(tmp_path / "tmp" / "reliable-queue-abc")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(leftovers.shutil, "rmtree", refuse)
    code, output, _ = run("--yes")
    assert code == 1
    assert f"not removed: {folder}: [Errno 13] Permission denied" in output


def test_state_that_is_older_than_an_hour_is_left_over(tmp_path: Path) -> None:
    homes = {name: tmp_path / name for name in ("e2e-old", "e2e-new", "dev")}
    for home in homes.values():
        (home / "stacks").mkdir(parents=True)
    for name in ("e2e-old", "dev"):
        two_hours_ago = time.time() - 7200
        os.utime(homes[name] / "stacks", (two_hours_ago, two_hours_ago))
    found = list(leftover_stacks(tmp_path))
    assert found == [Leftover(kind="stack", name=str(homes["e2e-old"]))]


def test_only_log_groups_with_our_names_are_left_over(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "events-consumer-logs-0a1b2c3"
    for name in (ours, "events-consumer-logs", "my-producer-logs-0a1b2c3", "/aws/lambda/producer"):
        clients.logs.create_log_group(logGroupName=name)
    # Its function may come in a moment.
    assert list(leftover_log_groups(clients)) == []
    monkeypatch.setattr(leftovers, "_IDLE_SECONDS", 0)
    assert list(leftover_log_groups(clients)) == [Leftover(kind="log group", name=ours)]


def test_cleanup_finds_what_no_process_uses(tmp_path: Path) -> None:
    temporary, homes = tmp_path / "tmp", tmp_path / "homes"
    embedded = temporary / "reliable-queue-abc"
    account = homes / "e2e-123456"
    (embedded / "stacks").mkdir(parents=True)
    (embedded / "lock").touch()
    (account / "stacks").mkdir(parents=True)
    (temporary / "reliable-queue-other").mkdir()

    found = list(leftover_folders(temporary, homes))
    assert found == [Leftover(kind="folder", name=str(embedded))]
    # A run in an account may still be going on while its state is new.
    assert list(leftover_stacks(homes)) == []
    remove_leftover(found[0], None)
    assert not embedded.exists()


def test_cleanup_leaves_alone_what_is_in_use(
    tmp_path: Path, locked: Callable[[Path], AbstractContextManager[None]]
) -> None:
    folder = tmp_path / "reliable-queue-abc"
    folder.mkdir()
    with locked(folder / "lock"):
        assert list(leftover_folders(tmp_path, tmp_path)) == []


@pytest.fixture
def locked() -> Callable[[Path], AbstractContextManager[None]]:
    @contextmanager
    def locked(path: Path) -> Generator[None]:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return locked
