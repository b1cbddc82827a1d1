"""What a user keeps is nobody else's to read, and nobody else's link is followed."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from automation import private_files
from automation.deadletters.journal import Journal
from automation.engine.command import EngineCommand
from automation.engine.environment import engine_environment
from automation.private_files import (
    PlantedFileError,
    make_private_folder,
    open_private,
    own_folder,
    write_private,
)


@pytest.fixture(autouse=True)
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def append(path: Path) -> None:
    os.close(open_private(path, os.O_RDWR | os.O_APPEND))


def keep_journal(path: Path) -> None:
    Journal(path, purpose="redrive", source="queue").close()


def keep_passphrase(path: Path) -> None:
    engine_environment(EngineCommand("/bin/pulumi", None), path.parent)  # type: ignore[arg-type]


WRITERS: dict[str, Callable[[Path], None]] = {
    "text": lambda path: write_private(path, "secret"),
    "append": append,
    "journal": keep_journal,
    "passphrase": keep_passphrase,
}
each_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@each_writer
def test_file_and_its_folders_are_for_the_user_alone(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = make_private_folder(tmp_path / "a" / "b") / "passphrase"
    write(path)
    assert [mode(path), mode(path.parent), mode(tmp_path / "a")] == [0o600, 0o700, 0o700]


@each_writer
def test_file_of_before_is_closed_to_others(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    if write is keep_passphrase:
        pytest.skip("it is written once")
    path.touch(0o666)
    write(path)
    assert mode(path) == 0o600


@each_writer
@pytest.mark.parametrize("dangles", [False, True])
def test_planted_link_is_refused_and_what_it_leads_to_left_alone(
    write: Callable[[Path], None], tmp_path: Path, *, dangles: bool
) -> None:
    target, link = tmp_path / "target", tmp_path / "passphrase"
    if not dangles:
        if write is keep_passphrase:
            pytest.skip("it is read then, from a folder in which nobody else may write")
        target.write_text("theirs")
    link.symlink_to(target)
    with pytest.raises(PlantedFileError, match="is a link, no plain file"):
        write(link)
    assert target.exists() != dangles
    assert dangles or target.read_text() == "theirs"


def test_planted_pipe_neither_hangs_nor_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for flags in (os.O_WRONLY, os.O_RDWR | os.O_APPEND):
        with pytest.raises(PlantedFileError):
            open_private(pipe, flags)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    file, folder, link = tmp_path / "file", tmp_path / "folder", tmp_path / "link"
    file.write_text("theirs")
    folder.mkdir()
    link.symlink_to(make_private_folder(tmp_path / "ours"))
    for path in (file, folder, link):
        os.lchown(path, 65_534, 65_534)
    with pytest.raises(PlantedFileError, match="another user's"):
        write_private(file, "ours")
    assert file.read_text() == "theirs"
    for path in (folder, link):
        with pytest.raises(PlantedFileError, match="name a folder of your own"):
            own_folder(path)


def test_folder_that_everybody_may_write_in_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(0o777)
    with pytest.raises(PlantedFileError, match=f"run chmod go-w {shared}"):
        own_folder(shared)


def test_folder_that_its_group_may_write_in_is_closed_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o775)
    assert mode(own_folder(folder)) == 0o755


def test_folder_that_is_there_keeps_what_others_may_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert mode(tmp_path) == 0o755


def test_new_text_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "long and old")
    write_private(path, "new")
    assert path.read_text() == "new"


def test_file_that_could_not_be_written_whole_is_named_and_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    monkeypatch.setattr(private_files, "_write_all", full_disk)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        write_private(path, "page")
    assert list(tmp_path.iterdir()) == []


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")
