"""The layer: the same bytes for the same packages, whole or not at all, and pip's last word."""

import hashlib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from components import LimitError
from components.layer import Architecture, LayerError, dependency_layer

_WHEEL = {
    "fine/__init__.py": "ANSWER = 42\n",
    "fine/tests/test_it.py": "raise SystemExit\n",
    "fine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: fine\nVersion: 1.0\n",
    "fine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "fine-1.0.dist-info/entry_points.txt": "[console_scripts]\nfine = fine:main\n",
    "fine-1.0.dist-info/RECORD": "",
}


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """A requirements file of one package, that needs no network."""
    return write_requirements(tmp_path, [make_wheel(tmp_path, "py3-none-any")])


def make_wheel(folder: Path, tag: str) -> str:
    wheel = folder / f"fine-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in _WHEEL.items():
            archive.writestr(name, content.replace("py3-none-any", tag))
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def write_requirements(folder: Path, hashes: list[str]) -> Path:
    file = folder / "requirements.txt"
    allowed = " ".join(f"--hash=sha256:{digest}" for digest in hashes)
    file.write_text(f"--no-index\n--find-links {folder.as_posix()}\nfine==1.0 {allowed}\n")
    return file


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Puts a quick installation in pip's place; gives the folders it was asked to fill."""
    targets: list[Path] = []

    def install(_requirements: Path, target: Path, *_: object) -> None:
        targets.append(target)
        target.mkdir()
        (target / "fine.py").write_text("ANSWER = 42\n")

    monkeypatch.setattr("components.layer._install", install)
    return targets


def _left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "layers").iterdir())


def test_a_layer_holds_what_is_imported_under_python(requirements: Path, tmp_path: Path) -> None:
    layer = dependency_layer(requirements, build_folder=tmp_path / "build")
    with zipfile.ZipFile(layer.archive) as archive:
        names = archive.namelist()
        assert archive.read("python/fine/__init__.py") == b"ANSWER = 42\n"
    assert set(names) == {
        "python/fine/__init__.py",
        "python/fine-1.0.dist-info/METADATA",
        "python/fine-1.0.dist-info/WHEEL",
        "python/fine-1.0.dist-info/entry_points.txt",
    }


def test_the_same_packages_give_the_same_bytes(requirements: Path, tmp_path: Path) -> None:
    one, two = (
        dependency_layer(requirements, build_folder=tmp_path / name).archive for name in ("1", "2")
    )
    assert one.read_bytes() == two.read_bytes()
    assert one.name == two.name


def test_a_layer_is_built_once_for_each_content(
    requirements: Path, tmp_path: Path, installs: list[Path]
) -> None:
    def build() -> Path:
        return dependency_layer(requirements, build_folder=tmp_path).archive

    first = build()
    assert build() == first
    assert len(installs) == 1
    requirements.write_text("# another\n")
    assert build() != first
    assert len(installs) == 2


def test_another_runtime_or_architecture_is_another_layer(
    requirements: Path, tmp_path: Path, installs: list[Path]
) -> None:
    archives = {
        dependency_layer(
            requirements, build_folder=tmp_path, runtime=runtime, architecture=architecture
        ).archive
        for runtime in ("python3.12", "python3.13")
        for architecture in ("arm64", "x86_64")
    }
    assert len(archives) == len(installs) == 4


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_compiled_packages_are_those_of_the_architecture(
    tmp_path: Path, architecture: Architecture
) -> None:
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    hashes = [
        make_wheel(tmp_path, f"cp313-cp313-manylinux_2_28_{kind}") for kind in ("aarch64", "x86_64")
    ]
    file = write_requirements(tmp_path, hashes)
    layer = dependency_layer(file, build_folder=tmp_path / "build", architecture=architecture)
    with zipfile.ZipFile(layer.archive) as archive:
        built_for = archive.read("python/fine-1.0.dist-info/WHEEL").decode()
    assert built_for.endswith(f"manylinux_2_28_{machine}\n")


@pytest.mark.parametrize("wrong", [{"runtime": "python3.9"}, {"architecture": "arm"}])
def test_a_layer_for_what_lambda_does_not_run_is_refused(
    requirements: Path, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(LimitError, match="is unknown; allowed: "):
        dependency_layer(requirements, build_folder=tmp_path, **wrong)


def test_nothing_half_built_is_left(
    requirements: Path, tmp_path: Path, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("components.layer._pack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        dependency_layer(requirements, build_folder=tmp_path)
    assert len(installs) == 1
    assert _left_in(tmp_path) == []


def test_two_runs_may_build_at_the_same_time(
    requirements: Path, tmp_path: Path, installs: list[Path]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        built = list(
            pool.map(lambda _: dependency_layer(requirements, build_folder=tmp_path), range(8))
        )
    assert len(set(built)) == 1
    assert len(set(installs)) == len(installs), "each had a folder of its own"
    assert _left_in(tmp_path) == [built[0].archive.name]
    with zipfile.ZipFile(built[0].archive) as archive:
        assert archive.testzip() is None


def test_a_failure_names_the_file_and_pip_s_last_word(
    requirements: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    requirements.write_text(requirements.read_text().partition(" --hash")[0])
    with pytest.raises(LayerError) as failed:
        dependency_layer(requirements, build_folder=tmp_path)
    message = str(failed.value)
    assert message.startswith(f"{requirements} can't be installed for python3.13: ")
    assert "hash" in message.lower()
    assert "\n" not in message
    assert capfd.readouterr() == ("", ""), "pip is silent"
    assert _left_in(tmp_path) == []


def _missing(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "none.txt", tmp_path


def _file_in_the_way(tmp_path: Path) -> tuple[Path, Path]:
    file = tmp_path / "requirements.txt"
    file.write_text("")
    return file, file


@pytest.mark.parametrize("place", [_missing, _file_in_the_way])
def test_what_the_file_system_refuses_is_told_with_the_file(
    place: Callable[[Path], tuple[Path, Path]], tmp_path: Path
) -> None:
    requirements, build_folder = place(tmp_path)
    with pytest.raises(LayerError, match=f"^{requirements} can't be made a layer: "):
        dependency_layer(requirements, build_folder=build_folder)
