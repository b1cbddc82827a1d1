"""Pulumi's archives as the bytes of a zip file: the same content gives the same bytes."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from automation.local.resources.cloud import AwsError
from automation.local.resources.values import Archive, Asset
from components import limits

# The earliest time that a zip file can hold: file times must not change the bytes.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
# Fast rather than small: it is unpacked on the same machine.
_COMPRESSION_LEVEL: Final = 1
_MAX_ZIPPED_BYTES: Final = limits.MAX_ZIPPED_BYTES
_MAX_UNZIPPED_BYTES: Final = limits.MAX_UNZIPPED_BYTES


@dataclass(frozen=True)
class _File:
    name: str
    content: bytes
    is_executable: bool = False


def zip_bytes(archive: Archive, program_directory: Path) -> bytes:
    """The archive as a zip file, within Lambda's limits.

    Relative paths start at `program_directory`, as they do for the engine. Raises AwsError for an
    archive that Lambda would refuse and for one that comes from the network.
    """
    path = archive.content.get("path")
    if path and zipfile.is_zipfile(program_directory / path):
        content = (program_directory / path).read_bytes()
        _require_names_inside(_names_in(content))
        _require_size(content, _unzipped_bytes(content))
        return content
    files = sorted(_files(archive, program_directory), key=lambda file: file.name)
    _require_names_inside(file.name for file in files)
    content = _zipped(files)
    _require_size(content, sum(len(file.content) for file in files))
    return content


def _names_in(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.namelist()


def _require_names_inside(names: Iterable[str]) -> None:
    """What is unpacked stays in its folder, whoever unpacks it."""
    for name in names:
        # Python's zipfile turns the separators of its own system alone.
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise AwsError(
                "InvalidParameterValueException",
                f"the archive has a member {name!r}, which leads out of its folder",
            )


def _unzipped_bytes(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return sum(entry.file_size for entry in packed.infolist())


def _require_size(content: bytes, unzipped_bytes: int) -> None:
    if unzipped_bytes > _MAX_UNZIPPED_BYTES:
        raise AwsError(
            "InvalidParameterValueException",
            f"Unzipped size must be smaller than {_MAX_UNZIPPED_BYTES} bytes; "
            f"it is {unzipped_bytes} bytes",
        )
    if len(content) > _MAX_ZIPPED_BYTES:
        raise AwsError(
            "RequestEntityTooLargeException",
            f"a zip file of {len(content)} bytes is too large for an upload; "
            f"allowed: {_MAX_ZIPPED_BYTES}",
        )


def _zipped(files: list[_File]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL
    ) as out:
        for file in files:
            entry = zipfile.ZipInfo(file.name, date_time=_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o755 if file.is_executable else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            out.writestr(entry, file.content)
    return buffer.getvalue()


def _files(archive: Archive, root: Path) -> Iterator[_File]:
    content = archive.content
    if "assets" in content:
        for name, item in sorted(content["assets"].items()):
            yield from _named(name, item, root)
    elif content.get("path"):
        yield from _files_at(root / content["path"])
    else:
        raise AwsError("UnsupportedArchive", f"the archive {content.get('uri')} is not a local one")


def _named(name: str, item: Any, root: Path) -> Iterator[_File]:
    if isinstance(item, Archive):
        for file in _files(item, root):
            yield _File(f"{name}/{file.name}", file.content, file.is_executable)
    elif isinstance(item, Asset):
        yield _asset_file(name, item, root)


def _asset_file(name: str, asset: Asset, root: Path) -> _File:
    if asset.content.get("path"):
        return _read_file(name, root / asset.content["path"])
    if asset.content.get("uri"):
        raise AwsError("UnsupportedArchive", f"the asset {asset.content['uri']} is not a local one")
    return _File(name, asset.content.get("text", "").encode())


def _files_at(path: Path) -> Iterator[_File]:
    if path.is_dir():
        for file in path.rglob("*"):
            if file.is_file():
                yield _read_file(file.relative_to(path).as_posix(), file)
    elif tarfile.is_tarfile(path):
        yield from _tar_files(path)
    elif zipfile.is_zipfile(path):
        yield from _zip_files(path)
    else:
        raise AwsError("UnsupportedArchive", f"{path} is neither a folder, a zip nor a tar file")


def _read_file(name: str, path: Path) -> _File:
    return _File(name, path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def _tar_files(path: Path) -> Iterator[_File]:
    with tarfile.open(path) as packed:
        for member in packed.getmembers():
            stream = packed.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield _File(member.name, stream.read(), bool(member.mode & stat.S_IXUSR))


def _zip_files(path: Path) -> Iterator[_File]:
    with zipfile.ZipFile(path) as packed:
        for entry in packed.infolist():
            if not entry.is_dir():
                mode = entry.external_attr >> 16
                yield _File(entry.filename, packed.read(entry), bool(mode & stat.S_IXUSR))
