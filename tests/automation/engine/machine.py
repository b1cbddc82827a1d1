"""An invented machine: a home and a PATH of its own, with programs that only say what they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from automation.engine.building import HOST_SCRIPT
from automation.engine.installing import ENGINE_VERSION, SCRATCH_PREFIX, Installer


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A home and a PATH that hold only what a test puts there, and what was reported."""

    home: Path
    programs: Path
    lines: list[str] = field(default_factory=list[str])

    @property
    def versions(self) -> Path:
        return self.home / ".pulumi" / "versions"

    def program(self, name: str, script: str) -> Path:
        return write_program(self.programs / name, script)

    def installed(self, version: str, *, script: str | None = None) -> Path:
        binaries = self.versions / version / "bin"
        write_program(binaries / "pulumi-language-python", "exit 0")
        return write_program(binaries / "pulumi", script or f"echo {version}")

    def left_behind(self) -> list[Path]:
        return list(self.versions.glob(f"{SCRATCH_PREFIX}*"))


def write_program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def installer(run: Callable[[Path], None], title: str = "making one up") -> Installer:
    return Installer(title=title, source="made up", run=lambda root, _scratch, _report: run(root))


def fill(root: Path, version: str = ENGINE_VERSION) -> None:
    write_program(root / "bin" / "pulumi", f"echo v{version}")
    write_program(root / "bin" / "pulumi-language-python", "exit 0")


def fake_go(folder: Path, *, version: str = "go1.26.8", build: str = "") -> str:
    """A `go` that knows the three subcommands in use; `build` runs before it makes its target.

    As the real one, it knows a module's folder only after a build has downloaded it.
    """
    script = folder / "module" / "python" / "cmd" / HOST_SCRIPT
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("# starts the program\n")
    script.chmod(0o444)
    return f"""
case "$1" in
version) echo "go version {version} linux/amd64" ;;
list) [ -e "{folder / "downloaded"}" ] && echo "{folder / "module"}" ;;
build)
    {build}
    > "{folder / "downloaded"}"
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho {ENGINE_VERSION}\\n' > "$2"
    /bin/chmod +x "$2" ;;
esac
"""
