"""A disk of a few MiB that is really full: in memory, and seen only by who is sent there."""

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    """A disk that is mounted in a place for some processes.

    Attributes:
        place: where.
        holder: the number of a process that sees it.
    """

    place: Path
    holder: int

    def entrance(self, folder: Path) -> tuple[str, ...]:
        """What a command begins with that is to see it, and to be run in a folder."""
        enter = (
            "nsenter",
            f"--target={self.holder}",
            "--user",
            "--mount",
            "--preserve-credentials",
        )
        return (*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(folder))

    @property
    def seen(self) -> Path:
        """Its content, from outside."""
        return Path(f"/proc/{self.holder}/root{self.place}")

    def fill(self) -> None:
        """Write until nothing more has room."""
        size = 2**20
        with (self.seen / "filler").open("ab", buffering=0) as file:
            while size:
                try:
                    file.write(b"x" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def make_room(self) -> None:
        (self.seen / "filler").unlink()

    def left(self) -> list[str]:
        """What is on it beside what filled it."""
        return [path.name for path in self.seen.iterdir() if path.name != "filler"]


@contextlib.contextmanager
def small_disk(place: Path, *, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount a disk until the block ends; skip the test where one may not."""
    place.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size={size_bytes},mode=700 none {place} && echo done && exec cat"
    unshared = ("unshare", "--user", "--map-root-user", "--mount")
    with subprocess.Popen(
        [*unshared, "sh", "-c", mount],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        if holder.stdout.readline() != "done\n":
            pytest.skip("no file system can be mounted here without rights of root")
        try:
            yield SmallDisk(place=place, holder=holder.pid)
        finally:
            holder.stdin.close()
