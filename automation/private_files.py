"""Files and folders that nobody else on the machine reads, or has put in our way.

Journals, backups, states, passphrases and reports: whatever the umask is, they are the user's own,
and a link that somebody planted under their name is refused, not followed.
"""

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from automation.errors import AutomationError

_FILE, _FOLDER = 0o600, 0o700


class PlantedFileError(AutomationError):
    """What lies at a path of ours is not ours; the message says what to do."""


def make_private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for the user alone; return it.

    One that is there stays as it is.
    """
    if not path.is_dir():
        make_private_folder(path.parent)
        path.mkdir(_FOLDER, exist_ok=True)
    return path


def own_folder(path: Path) -> Path:
    """The same for a folder that a run trusts: nobody else may put anything into it.

    Raises:
        PlantedFileError: it belongs to another user, everybody may write in it, or another user's
            link leads there.
    """
    make_private_folder(path)
    status = path.stat()
    if {status.st_uid, path.lstat().st_uid} != {os.geteuid()}:
        raise PlantedFileError(
            f"{path} belongs to another user, or is another user's link: name a folder of your own"
        )
    if status.st_mode & stat.S_IWOTH:
        raise PlantedFileError(
            f"{path} can be written by everybody on this machine: run chmod go-w {path}, or name "
            "a folder of your own"
        )
    if status.st_mode & stat.S_IWGRP:
        # As a umask of 002 made it, which many systems give to users with groups of their own.
        path.chmod(stat.S_IMODE(status.st_mode) & ~stat.S_IWGRP)
    return path


def open_private(path: Path, flags: int) -> int:
    """Open a file of the user's own for nobody else, made when it is not there; its descriptor.

    Args:
        path: the file.
        flags: of `os.open`; what keeps links from being followed is added.

    Raises:
        PlantedFileError: it is a link, no plain file, or another user's.
        OSError: as `os.open`.
    """
    added = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags | added, _FILE)
    except OSError as error:
        # FreeBSD's name for it is EMLINK; a pipe that nobody reads is ENXIO.
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise PlantedFileError(_planted(path)) from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        os.close(descriptor)
        raise PlantedFileError(_planted(path))
    # One of an earlier version, or made with no umask at all.
    os.fchmod(descriptor, _FILE)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Write a text file that the user alone reads, in the place of one that is there.

    Raises:
        PlantedFileError, OSError: as `open_private` does; nothing is there then of what could not
            be written whole.
    """
    # Emptied when it is known to be ours.
    with os.fdopen(open_private(path, os.O_WRONLY), "wb", buffering=0) as file:
        file.truncate()
        try:
            _write_all(file, text.encode())
        except OSError as error:
            # Half of it is of no use to anybody. Writing knows no name to complain of.
            path.unlink()
            raise OSError(error.errno, error.strerror, str(path)) from error


def _write_all(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _planted(path: Path) -> str:
    return f"{path} is a link, no plain file, or another user's: remove it, or name another file"
