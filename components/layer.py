"""Builds the Lambda layer with the packages that functions need, once for each content."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from . import limits

Architecture = Literal["arm64", "x86_64"]
# The runtimes on Amazon Linux 2023; older ones have an older C library (see `_platform`).
Runtime = Literal["python3.12", "python3.13", "python3.14"]

# Goes into the name of a built layer, so that a change below builds it anew.
_BUILD = "2"
# Lambda puts this folder of a layer on sys.path: AWS Lambda Developer Guide, Working with layers
# for Python Lambda functions.
_FOLDER_IN_LAYER = "python"
# What an installation writes about itself: times, paths and tools of this machine.
_RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
_UV_LOCK = Path(".lock")
# A script for an interpreter at a path of this machine, and how one is written when that path is
# too long for a first line. Lambda has none there.
_SCRIPT_OF_THIS_MACHINE = re.compile(rb"#!(?:\S*/python[\d.]*\s|/bin/sh\n'''exec' )")
# A line that brings in another file: pip's documentation, Requirements File Format.
_INCLUDE = re.compile(
    r"^\s*(?:-r|--requirement|-c|--constraint)(?:\s+|=)(\S.*?)(?:\s+#.*)?\s*$", re.MULTILINE
)
# uv reads no setting of pip; on a machine that was set up for pip alone its index still counts.
_SETTINGS_OF_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}
# A file's own index comes before that of the environment for pip, and after it for uv.
_OWN_INDEX = re.compile(rb"^\s*(?:-i|--index-url|--no-index)\b", re.MULTILINE)
# The earliest time that a zip can hold: the archive must not depend on when it was made.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class LayerError(RuntimeError):
    """The dependencies of the functions could not be gathered."""


@dataclass(frozen=True, kw_only=True)
class DependencyLayer:
    """A built layer: its archive, and what it was built for."""

    archive: Path
    runtime: Runtime
    architecture: Architecture


def dependency_layer(
    requirements: Path,
    *,
    build_folder: Path,
    runtime: Runtime = "python3.13",
    architecture: Architecture = "arm64",
) -> DependencyLayer:
    """The layer of a requirements file (pinned, with hashes), built when its content is new.

    uv gathers the packages as the function's Python and platform need them, whatever runs here.
    The archive is kept under `build_folder`, named after what went into it, included files too. It
    appears whole or not at all, so two runs may build it at the same time. The same packages give
    the same bytes on any machine: sorted, without times, and not compressed while Lambda takes it
    so (50 MB), because compressors differ.
    Raises `LayerError` that names the file and has what uv says, and for a layer above 50 MB
    compressed or 250 MB unpacked.
    """
    limits.check_one_of("runtime", runtime, get_args(Runtime))
    limits.check_one_of("architecture", architecture, get_args(Architecture))
    try:
        archive = build_folder / "layers" / f"{_digest(requirements, runtime, architecture)}.zip"
        if not archive.exists():
            _build(requirements, archive, runtime, architecture)
    except OSError as error:
        raise LayerError(f"{requirements} can't be made a layer: {error}") from error
    return DependencyLayer(archive=archive, runtime=runtime, architecture=architecture)


def _digest(requirements: Path, runtime: Runtime, architecture: Architecture) -> str:
    _, uv_version = _uv()
    digest = hashlib.sha256("\0".join((_BUILD, uv_version, runtime, architecture)).encode())
    for content in _contents(requirements, set()):
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:32]


def _contents(file: Path, seen: set[Path]) -> Iterator[bytes]:
    """What stands in a requirements file and in those that it brings in."""
    seen.add(file.resolve())
    # Editors on Windows begin a file with the mark, and uv reads over it.
    content = file.read_bytes().removeprefix(BOM_UTF8)
    yield content
    for name in _INCLUDE.findall(content.decode(errors="replace")):
        if "://" in name:
            raise LayerError(
                f"{file} brings in {name}, which can change unseen; save it as a file beside it"
            )
        included = file.parent / name
        if included.resolve() not in seen:
            yield from _contents(included, seen)


def _uv() -> tuple[str, str]:
    """The path of uv and its version."""
    try:
        from uv import find_uv_bin

        return find_uv_bin(), version("uv")
    except (ImportError, FileNotFoundError) as error:
        raise LayerError(
            f"uv, which gathers the packages of a layer, is not installed for {sys.executable}; "
            "it comes with reliable-queue: install that again, or uv beside it"
        ) from error


def _build(requirements: Path, archive: Path, runtime: Runtime, architecture: Architecture) -> None:
    archive.parent.mkdir(0o700, parents=True, exist_ok=True)
    # Beside the archive, so that moving it into place is one step of the file system.
    with tempfile.TemporaryDirectory(prefix=".building-", dir=archive.parent) as scratch:
        packages = Path(scratch) / _FOLDER_IN_LAYER
        _install(requirements, packages, runtime, architecture)
        unfinished = Path(scratch) / archive.name
        _pack(requirements, packages, unfinished)
        unfinished.replace(archive)


def _install(
    requirements: Path, target: Path, runtime: Runtime, architecture: Architecture
) -> None:
    path, _ = _uv()
    command = [
        *(path, "pip", "install", "--quiet", "--no-progress", "--color", "never"),
        # Any Python does: it is asked for its folders, not for markers and wheels.
        *("--python", sys.executable, "--no-python-downloads"),
        *("--python-version", runtime.removeprefix("python")),
        *("--python-platform", _platform(architecture)),
        *("--require-hashes", "--only-binary", ":all:"),
        *("--target", str(target), "--requirement", str(requirements)),
    ]
    # A list without a shell, of which nothing comes from outside.
    done = subprocess.run(  # noqa: S603
        command,
        env=_environment(requirements),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"uv ended with code {done.returncode}"
        raise LayerError(
            f"{requirements} can't be installed for {runtime} on {architecture}: "
            f"{said.removeprefix('error: ')}"
        )


def _environment(requirements: Path) -> dict[str, str]:
    settings = {uv: os.environ[pip] for pip, uv in _SETTINGS_OF_PIP.items() if pip in os.environ}
    if any(_OWN_INDEX.search(content) for content in _contents(requirements, set())):
        settings.pop("UV_DEFAULT_INDEX", None)
    return {**settings, **os.environ}


def _platform(architecture: Architecture) -> str:
    """The platform of the runtimes, by which uv takes every wheel for its C library or an older.

    AWS Lambda Developer Guide, Lambda runtimes: Python 3.12 and later run on Amazon Linux 2023.
    Amazon Linux 2023 User Guide, Core toolchain packages: glibc 2.34.
    """
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    return f"{machine}-manylinux_2_34"


def _pack(requirements: Path, packages: Path, archive: Path) -> None:
    files = [path for path in sorted(packages.rglob("*")) if _ships(path, packages)]
    if not files:
        raise LayerError(
            f"{requirements} brings no package for the function's Python and platform, and Lambda "
            "takes no empty layer: leave `dependencies` out"
        )
    unpacked = sum(path.stat().st_size for path in files)
    _check_size(requirements, "unpacked", unpacked, limits.MAX_UNZIPPED_BYTES)
    _write(archive, packages, files, zipfile.ZIP_STORED)
    if archive.stat().st_size > limits.MAX_ZIPPED_BYTES:
        _write(archive, packages, files, zipfile.ZIP_DEFLATED)
    _check_size(requirements, "compressed", archive.stat().st_size, limits.MAX_ZIPPED_BYTES)


def _check_size(requirements: Path, kind: str, size: int, allowed: int) -> None:
    if size > allowed:
        raise LayerError(
            f"{requirements} makes a layer of {size:,} bytes {kind}; Lambda takes up to "
            f"{allowed:,}: leave out what the function doesn't import (boto3 comes with the "
            "runtime), or put packages into a layer of their own and name it in `layers`"
        )


def _ships(path: Path, packages: Path) -> bool:
    inside = path.relative_to(packages)
    if path.is_dir() or "__pycache__" in inside.parts or inside == _UV_LOCK:
        return False
    if path.parent.suffix == ".dist-info":
        return path.name not in _RECORDS
    if inside.parts[0] != "bin":
        return True
    with path.open("rb") as script:
        return not _SCRIPT_OF_THIS_MACHINE.match(script.read(512))


def _write(archive: Path, packages: Path, files: list[Path], compression: int) -> None:
    """Pack the files with their executable bits, which Pulumi's own archives would lose."""
    with zipfile.ZipFile(archive, "w", compression) as layer:
        for path in files:
            name = (_FOLDER_IN_LAYER / path.relative_to(packages)).as_posix()
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type, entry.create_system = compression, _UNIX
            is_executable = path.stat().st_mode & stat.S_IXUSR
            entry.external_attr = (0o755 if is_executable else 0o644) << 16
            with path.open("rb") as source, layer.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
