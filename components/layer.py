"""Builds the Lambda layer with the packages that functions need, once for each content."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from . import limits

Architecture = Literal["arm64", "x86_64"]
# The runtimes on Amazon Linux 2023; older ones have an older C library (see `_platforms`).
Runtime = Literal["python3.12", "python3.13", "python3.14"]

# Goes into the name of a built layer, so that a change below builds it anew.
_BUILD = "1"
# Lambda puts this folder of a layer on sys.path: AWS Lambda Developer Guide, Working with layers
# for Python Lambda functions.
_FOLDER_IN_LAYER = "python"
# Never imported, or different on each machine: pip's records name scripts and their interpreter.
_LEFT_OUT = {"__pycache__", "bin", "tests", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
# The earliest time that a zip can hold: the archive must not depend on when it was made.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


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

    It is kept under `build_folder`, named after what went into it. The archive appears whole or
    not at all, so two runs may build it at the same time. The same packages give the same bytes on
    any machine: sorted, without times, not compressed, because compressors differ.
    Raises `LayerError` that names the file and has the last word of pip.
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
    made_for = "\0".join((_BUILD, runtime, architecture, ""))
    return hashlib.sha256(made_for.encode() + requirements.read_bytes()).hexdigest()[:32]


def _build(requirements: Path, archive: Path, runtime: Runtime, architecture: Architecture) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    # Beside the archive, so that moving it into place is one step of the file system.
    with tempfile.TemporaryDirectory(prefix=".building-", dir=archive.parent) as scratch:
        packages = Path(scratch) / _FOLDER_IN_LAYER
        _install(requirements, packages, runtime, architecture)
        unfinished = Path(scratch) / archive.name
        _pack(packages, unfinished)
        unfinished.replace(archive)


def _install(
    requirements: Path, target: Path, runtime: Runtime, architecture: Architecture
) -> None:
    platforms = (
        option for platform in _platforms(architecture) for option in ("--platform", platform)
    )
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile"),
        *("--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"),
        *("--implementation", "cp", "--python-version", runtime.removeprefix("python"), *platforms),
        *("--target", str(target), "--requirement", str(requirements)),
    ]
    # A list without a shell, of which nothing comes from outside.
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise LayerError(f"{requirements} can't be installed for {runtime}: {_last_word(done)}")


def _platforms(architecture: Architecture) -> list[str]:
    """The wheels that run on Amazon Linux 2023 (glibc 2.34), the newest kind first."""
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    return [f"{kind}_{machine}" for kind in ("manylinux_2_34", "manylinux_2_28", "manylinux2014")]


def _last_word(done: subprocess.CompletedProcess[str]) -> str:
    """What pip complained of last; pip may add notices after its errors."""
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [f"pip ended with code {done.returncode}"])[-1]


def _pack(packages: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as layer:
        for path in sorted(packages.rglob("*")):
            inside = path.relative_to(packages)
            if path.is_dir() or _LEFT_OUT.intersection(inside.parts):
                continue
            entry = zipfile.ZipInfo((_FOLDER_IN_LAYER / inside).as_posix(), _ZIP_TIME)
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, layer.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
