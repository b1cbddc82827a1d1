"""The command `reliable-queue` in an environment of its own, called from some folder."""

import email
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Callable[..., Path]:
    """Make an environment that has the package with some extras, what those ask for, no more."""

    def install(*extras: str) -> Path:
        folder = tmp_path_factory.mktemp("-".join(extras) or "bare")
        venv.create(folder, symlinks=True)
        (site,) = folder.glob("lib/python*/site-packages")
        for name in distributions(requirements_of(wheel), extras):
            link(name, site)
        pip = (sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"))
        offline = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
        subprocess.run([*pip, "install", *offline, str(wheel)], check=True, timeout=120)
        return folder

    return install


@pytest.fixture(scope="module")
def whole(installed: Callable[..., Path]) -> Path:
    return installed("operations", "local")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """The user's folders; layers that are there already need not be made anew."""
    layers = tmp_path / "cache" / "reliable-queue"
    layers.mkdir(parents=True)
    if (ROOT / ".build" / "layers").is_dir():
        (layers / "layers").symlink_to(ROOT / ".build" / "layers")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tmp").mkdir()
    return tmp_path


def inherited_environment() -> dict[str, str]:
    """Little of the user's, but what uv reaches the packages of a layer by."""
    network = ("SSL_CERT_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    return {
        key: value
        for key, value in os.environ.items()
        if key in ("PATH", "HOME") or key.upper().startswith(network)
    }


@pytest.fixture
def command(users: Path) -> Command:
    own = {
        "XDG_STATE_HOME": str(users / "state"),
        "XDG_CACHE_HOME": str(users / "cache"),
        "TMPDIR": str(users / "tmp"),
    }
    inherited = inherited_environment()

    def run(environment: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(environment / "bin" / "reliable-queue"), *arguments],
            cwd=users / "elsewhere",
            env={**inherited, **own},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    return run


def requirements_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return email.message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []


def distributions(requirements: Iterable[str], extras: Iterable[str]) -> set[str]:
    """Names of all that these requirements bring along, as pip would find them."""
    found: set[tuple[str, str]] = set()
    todo = [(text, extra) for text in requirements for extra in ("", *extras)]
    while todo:
        text, extra = todo.pop()
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        for inner in ("", *wanted.extras):
            if (wanted.name, inner) not in found:
                found.add((wanted.name, inner))
                todo += [(text, inner) for text in metadata.requires(wanted.name) or []]
    return {name for name, _ in found}


def link(name: str, site: Path) -> None:
    """Put an installed distribution into another environment too, without a copy."""
    distribution = metadata.distribution(name)
    files = [file for file in distribution.files or [] if "__pycache__" not in file.parts]
    # uv is a program: a file of bin, which is named from site-packages as ../../../bin/uv.
    names = {file if file.parts[0] == ".." else file.parts[0] for file in files}
    for part in names:
        if not (site / part).exists():
            (site / part).parent.mkdir(parents=True, exist_ok=True)
            (site / part).symlink_to(Path(str(distribution.locate_file(part))))


def files_in(folder: Path) -> dict[Path, int]:
    """The files of an environment with the times of their last change, but not Python's caches."""
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_help_names_the_command_and_the_user_s_folder(
    whole: Path, command: Command, users: Path
) -> None:
    shown = command(whole, "--help")
    assert shown.stdout.startswith("Usage: reliable-queue "), shown.stderr
    state = f"{users}/state/reliable-queue"
    assert f"kept between runs is in {state}." in "".join(shown.stdout.split("\n  "))
    for names in (["local"], ["dlq", "list"]):
        shown = command(whole, *names, "--help")
        assert f"{state}/default]" in "".join(shown.stdout.split()), shown.stderr
    assert "reliable-queue local -- pulumi up" in command(whole, "local", "--help").stdout


def test_a_missing_stack_is_wrong_use(whole: Path, command: Command) -> None:
    refused = command(whole, "dlq", "list")
    assert refused.returncode == 2
    assert "Try 'reliable-queue dlq list --help'" in refused.stderr
    assert "say which queue: --stack NAME, or --queue NAME, URL or ARN" in refused.stderr


def test_without_the_extra_one_line_says_which(
    installed: Callable[..., Path], command: Command
) -> None:
    bare = installed()
    assert_one_line_names_the_extra(command(bare, "--help"))
    # Without what every installation has: not the clone's advice either.
    (pulumi,) = bare.glob("lib/python*/site-packages/pulumi")
    pulumi.unlink()
    assert_one_line_names_the_extra(command(bare, "--help"))


def assert_one_line_names_the_extra(refused: "subprocess.CompletedProcess[str]") -> None:
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert re.fullmatch(
        r"error: \w+ is not installed; it comes with the extra 'operations': "
        r"in a clone of the repository, install '\.\[operations\]'",
        line,
    )


def test_without_the_embedded_aws_one_line_says_which_extra(
    installed: Callable[..., Path], command: Command
) -> None:
    refused = command(installed("operations"), "e2e")
    assert (refused.returncode, refused.stdout) == (2, "")
    line = refused.stderr.splitlines()[-1]
    assert line.startswith("error: --target local: ministack")
    assert "the extra 'local': in a clone of the repository, install '.[operations,local]'" in line


@pytest.mark.engine
def test_everything_works_and_nothing_is_written_into_the_package(
    whole: Path, command: Command, users: Path
) -> None:
    before = files_in(whole)
    run = command(whole, "e2e", "--messages", "20", "--rate", "unlimited", "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert (report["verdict"], report["destroyed"]) == ("held", True)

    up = command(whole, "local", "--", "pulumi", "up", "--stack", "s", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    listed = command(whole, "dlq", "list", "--stack", "s", "--json")
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout)["messages"] == []

    assert files_in(whole) == before
    assert list((users / "elsewhere").iterdir()) == []
    assert list((users / "tmp").iterdir()) == []
    assert (users / "state" / "reliable-queue" / "default" / "project" / "Pulumi.s.yaml").is_file()
    assert list((users / "cache" / "reliable-queue" / "layers").glob("*.zip"))


@pytest.mark.slow
@pytest.mark.engine
def test_the_plugin_is_there_for_other_people_s_tests(whole: Path, users: Path) -> None:
    (site,) = whole.glob("lib/python*/site-packages")
    for name in distributions(["pytest"], ()):
        link(name, site)
    theirs = users / "elsewhere"
    for example in ("own_test", "own_consumer"):
        shutil.copytree(ROOT / "examples" / example, theirs / example)
    # Packages of theirs with the names of ours.
    for name in ("automation", "components"):
        (theirs / name).mkdir()
        (theirs / name / "__init__.py").write_text("THEIRS = True\n")
    (theirs / "own_test" / "test_names.py").write_text(
        "import automation, components\n"
        "def test_names():\n    assert automation.THEIRS and components.THEIRS\n"
    )
    environment = inherited_environment()
    ended = subprocess.run(
        [str(whole / "bin" / "python"), "-m", "pytest", "own_test", "-q", "-p", "no:cacheprovider"],
        cwd=theirs,
        env=environment | {"XDG_CACHE_HOME": str(users / "cache"), "TMPDIR": str(users / "tmp")},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout
