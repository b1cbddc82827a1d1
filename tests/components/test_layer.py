"""The layer: what Lambda needs, the same bytes for the same packages, whole or not at all."""

import hashlib
import itertools
import multiprocessing
import random
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from components import LimitError, limits
from components.layer import Architecture, LayerError, dependency_layer

_ENTRY_POINTS = "[console_scripts]\nfine = fine:main\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    for set_on_this_machine in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "PIP_INDEX_URL"):
        monkeypatch.delenv(set_on_this_machine, raising=False)


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """A requirements file of one package, that needs no network."""
    files = {"fine/__init__.py": "ANSWER = 42\n", "fine/tests/test_it.py": "raise SystemExit\n"}
    return write_requirements(tmp_path, make_wheel(tmp_path, "fine", files=files))


def make_wheel(
    folder: Path,
    name: str,
    tag: str = "py3-none-any",
    *,
    files: dict[str, str] | None = None,
    executables: tuple[str, ...] = (),
    entry_points: str = _ENTRY_POINTS,
) -> str:
    """A wheel of version 1.0; gives its line for a requirements file."""
    records = f"{name}-1.0.dist-info"
    contents = (files or {f"{name}.py": "ANSWER = 42\n"}) | {
        f"{records}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{records}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{records}/entry_points.txt": entry_points,
    }
    contents[f"{records}/RECORD"] = "".join(f"{file},,\n" for file in contents)
    wheel = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, content in contents.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (0o100755 if file in executables else 0o100644) << 16
            archive.writestr(entry, content)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def write_requirements(folder: Path, *lines: str) -> Path:
    file = folder / "requirements.txt"
    file.write_text("\n".join(["--no-index", f"--find-links {folder.as_posix()}", *lines, ""]))
    return file


def layer_of(requirements: Path, **options: Any) -> zipfile.ZipFile:
    """What the layer holds, built anew."""
    build_folder = requirements.parent / "build"
    return zipfile.ZipFile(
        dependency_layer(requirements, build_folder=build_folder, **options).archive
    )


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Puts a quick installation in uv's place; gives the folders it was asked to fill."""
    targets: list[Path] = []

    def install(_requirements: Path, target: Path, *_: object) -> None:
        targets.append(target)
        target.mkdir()
        (target / "fine.py").write_text("ANSWER = 42\n")

    monkeypatch.setattr("components.layer._install", install)
    return targets


def _left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "layers").iterdir())


def test_a_layer_holds_what_was_installed_under_python(requirements: Path) -> None:
    with layer_of(requirements) as archive:
        assert archive.read("python/fine/__init__.py") == b"ANSWER = 42\n"
        assert archive.namelist() == [
            "python/fine/__init__.py",
            "python/fine/tests/test_it.py",
            "python/fine-1.0.dist-info/METADATA",
            "python/fine-1.0.dist-info/WHEEL",
            "python/fine-1.0.dist-info/entry_points.txt",
        ]


def test_a_package_keeps_its_own_programs_and_tests(tmp_path: Path) -> None:
    files = {
        "fine/bin/tool": "#!/bin/sh\n",
        "fine/tests/data.txt": "",
        "fine/RECORD": "",
        "fine-1.0.data/scripts/program": "\x7fELF",
        "fine-1.0.data/scripts/portable": "#!/usr/bin/env python3\n",
    }
    file = write_requirements(tmp_path, make_wheel(tmp_path, "fine", files=files))
    with layer_of(file) as archive:
        assert set(archive.namelist()) >= {
            "python/fine/bin/tool",
            "python/fine/tests/data.txt",
            "python/fine/RECORD",
            "python/bin/program",
            "python/bin/portable",
        }


def test_scripts_for_this_machine_s_python_stay_behind(tmp_path: Path) -> None:
    files = {"fine/__init__.py": "", "fine-1.0.data/scripts/old-style": "#!python\nprint()\n"}
    file = write_requirements(tmp_path, make_wheel(tmp_path, "fine", files=files))
    with layer_of(file) as archive:
        assert not [name for name in archive.namelist() if name.startswith("python/bin/")]


def test_executable_bits_are_kept(tmp_path: Path) -> None:
    files = {"fine/tool": "#!/bin/sh\n", "fine/data": "", "fine-1.0.data/scripts/run": "\x7fELF"}
    line = make_wheel(tmp_path, "fine", files=files, executables=("fine/tool",))
    with layer_of(write_requirements(tmp_path, line)) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes["python/fine/tool"] == modes["python/bin/run"] == 0o755
    assert modes["python/fine/data"] == 0o644


@pytest.mark.parametrize(
    ("marker", "holds_for"),
    [
        ("python_version >= '3.13'", {("python3.13", "arm64"), ("python3.13", "x86_64")}),
        ("platform_machine == 'aarch64'", {("python3.12", "arm64"), ("python3.13", "arm64")}),
        ("sys_platform != 'linux'", set()),
        ("implementation_name != 'cpython'", set()),
    ],
)
def test_markers_are_judged_for_the_function(
    tmp_path: Path, marker: str, holds_for: set[tuple[str, str]]
) -> None:
    name, digest = make_wheel(tmp_path, "fine").split(" ")
    other = make_wheel(tmp_path, "other")
    file = write_requirements(tmp_path, other, f"{name} ; {marker} {digest}")
    targets = set(itertools.product(("python3.12", "python3.13"), ("arm64", "x86_64")))
    held = set[tuple[str, str]]()
    for runtime, architecture in targets:
        with layer_of(file, runtime=runtime, architecture=architecture) as archive:
            if "python/fine.py" in archive.namelist():
                held.add((runtime, architecture))
    assert held == holds_for


@pytest.mark.parametrize("glibc", ["2_17", "2_26", "2_31", "2_34"])
def test_wheels_for_the_runtime_s_c_library_and_older_ones_are_taken(
    tmp_path: Path, glibc: str
) -> None:
    line = make_wheel(tmp_path, "fine", f"cp313-cp313-manylinux_{glibc}_aarch64")
    with layer_of(write_requirements(tmp_path, line)) as archive:
        assert "python/fine.py" in archive.namelist()


def test_wheels_for_a_newer_c_library_are_refused(tmp_path: Path) -> None:
    line = make_wheel(tmp_path, "fine", "cp313-cp313-manylinux_2_35_aarch64")
    with pytest.raises(LayerError, match=r"python3\.13 on arm64: .*manylinux_2_35_aarch64"):
        layer_of(write_requirements(tmp_path, line))


@pytest.mark.parametrize(
    "how", ["-r {}", "--requirement={}", "-c {}", "--constraint {}  # why", "\ufeff-r {}"]
)
def test_what_an_included_file_says_counts(
    requirements: Path, tmp_path: Path, installs: list[Path], how: str
) -> None:
    def build() -> Path:
        return dependency_layer(requirements, build_folder=tmp_path).archive

    folder = tmp_path / "more"
    folder.mkdir()
    # Paths are those beside the file that names them; the two name each other.
    (folder / "one.txt").write_text("-r two.txt\n")
    (folder / "two.txt").write_text("-r one.txt\n")
    requirements.write_text(how.format("more/one.txt") + "\n", encoding="utf-8")
    first = build()
    assert build() == first
    (folder / "two.txt").write_text("-r one.txt\n# another\n")
    assert build() != first
    assert len(installs) == 2


def test_included_packages_are_in_the_layer(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text(f"{make_wheel(tmp_path, 'fine')}\n")
    with layer_of(write_requirements(tmp_path, "-r more.txt")) as archive:
        assert "python/fine.py" in archive.namelist()


def test_an_included_address_is_refused(tmp_path: Path) -> None:
    file = write_requirements(tmp_path, "-r https://example.com/more.txt")
    with pytest.raises(LayerError, match=r"brings in https://example\.com/more\.txt, .*save it"):
        layer_of(file)


def test_a_layer_of_nothing_is_refused(tmp_path: Path) -> None:
    name, digest = make_wheel(tmp_path, "fine").split(" ")
    file = write_requirements(tmp_path, f"{name} ; sys_platform == 'win32' {digest}")
    with pytest.raises(LayerError, match=r"brings no package .* no empty layer"):
        layer_of(file)


def _lower(monkeypatch: pytest.MonkeyPatch, limit: str, size: int) -> None:
    monkeypatch.setattr(limits, limit, size)


def test_a_layer_is_compressed_only_when_lambda_does_not_take_it_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make_wheel(tmp_path, "fine", files={"fine.txt": "0" * 100_000})
    file = write_requirements(tmp_path, line)
    plain = dependency_layer(file, build_folder=tmp_path / "1").archive
    assert plain.stat().st_size > 100_000
    _lower(monkeypatch, "MAX_ZIPPED_BYTES", 10_000)
    packed = dependency_layer(file, build_folder=tmp_path / "2").archive
    assert packed.stat().st_size < 10_000
    with zipfile.ZipFile(plain) as one, zipfile.ZipFile(packed) as two:
        assert one.namelist() == two.namelist()
        assert one.read("python/fine.txt") == two.read("python/fine.txt")


@pytest.mark.parametrize(
    ("limit", "kind"),
    [("MAX_ZIPPED_BYTES", "compressed"), ("MAX_UNZIPPED_BYTES", "unpacked")],
)
def test_a_layer_that_lambda_does_not_take_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, kind: str
) -> None:
    noise = random.Random(1).randbytes(20_000).hex()  # noqa: S311 - halves at most
    line = make_wheel(tmp_path, "fine", files={"fine.txt": noise})
    _lower(monkeypatch, limit, 15_000)
    said = rf"a layer of [234]\d,\d{{3}} bytes {kind}; Lambda takes up to 15,000: leave out"
    with pytest.raises(LayerError, match=said):
        layer_of(write_requirements(tmp_path, line))
    assert _left_in(tmp_path / "build") == []


def test_no_pip_is_needed(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(_broken_pip(requirements.parent)))
    with layer_of(requirements) as archive:
        assert "python/fine/__init__.py" in archive.namelist()


def _broken_pip(folder: Path) -> Path:
    (folder / "no-pip").mkdir()
    (folder / "no-pip" / "pip.py").write_text("raise SystemExit('no pip here')\n")
    return folder / "no-pip"


def test_without_uv_the_answer_says_what_to_install(
    requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    with pytest.raises(LayerError, match=r"^uv, .* is not installed for .*: install that again"):
        layer_of(requirements)


def test_an_index_that_pip_was_told_of_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/ours")
    file = tmp_path / "requirements.txt"
    file.write_text(f"{make_wheel(tmp_path, 'fine')}\n")
    with pytest.raises(LayerError, match=r"127\.0\.0\.1:9/ours/fine/"):
        layer_of(file)


def test_a_file_s_own_index_comes_before_that_of_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/ours")
    file = tmp_path / "requirements.txt"
    file.write_text(f"--index-url http://127.0.0.1:9/its\n{make_wheel(tmp_path, 'fine')}\n")
    with pytest.raises(LayerError, match=r"127\.0\.0\.1:9/its/fine/"):
        layer_of(file)


def test_without_a_network_the_answer_says_what_was_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    file = tmp_path / "requirements.txt"
    file.write_text(f"--index-url http://127.0.0.1:9/simple\n{make_wheel(tmp_path, 'fine')}\n")
    with pytest.raises(LayerError, match=r"127\.0\.0\.1:9/simple/fine/.*Connection refused"):
        layer_of(file)


def test_the_same_packages_give_the_same_bytes(requirements: Path, tmp_path: Path) -> None:
    one, two = (
        dependency_layer(requirements, build_folder=tmp_path / name).archive for name in ("1", "2")
    )
    assert one.read_bytes() == two.read_bytes()
    assert one.name == two.name


def test_a_layer_s_bytes_are_those_of_the_first_release(tmp_path: Path) -> None:
    # Other bytes for the same packages would replace the layer of everybody who upgrades.
    line = make_wheel(tmp_path, "fine", entry_points="")
    archive = dependency_layer(
        write_requirements(tmp_path, line), build_folder=tmp_path / "build"
    ).archive
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == (
        "3e238e6eca451fa24928d308e3fdf3d85430501b72ce2717631390d45b6390ef"
    )


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
    name = "fine==1.0"
    hashes = [
        make_wheel(tmp_path, "fine", f"cp313-cp313-manylinux_2_28_{kind}").removeprefix(name)
        for kind in ("aarch64", "x86_64")
    ]
    file = write_requirements(tmp_path, name + "".join(hashes))
    with layer_of(file, architecture=architecture) as archive:
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


def _build(requirements: Path, build_folder: Path) -> Path:
    return dependency_layer(requirements, build_folder=build_folder).archive


def test_two_processes_may_build_at_the_same_time(requirements: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        running = [pool.submit(_build, requirements, folder) for _ in range(3)]
        built = {each.result() for each in running}
    assert _left_in(folder) == [built.pop().name]
    assert not built


def test_a_failure_names_the_file_and_what_uv_said(
    requirements: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    requirements.write_text(requirements.read_text().partition(" --hash")[0])
    with pytest.raises(LayerError) as failed:
        dependency_layer(requirements, build_folder=tmp_path)
    message = str(failed.value)
    assert message.startswith(f"{requirements} can't be installed for python3.13 on arm64: ")
    assert "hash" in message.lower()
    assert "\n" not in message
    assert capfd.readouterr() == ("", ""), "uv is silent"
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
