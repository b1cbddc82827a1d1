"""Archives become the same zip bytes for the same content, whatever form they are given in."""

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from automation.local.resources import archives
from automation.local.resources.archives import zip_bytes
from automation.local.resources.cloud import AwsError
from automation.local.resources.values import Archive, Asset

CONTENT = {"handler.py": b"x = 1\n", "lib/part.py": b"y = 2\n"}


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {entry.filename: packed.read(entry) for entry in packed.infolist()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "code"


def test_a_folder_is_packed_with_its_folders(folder: Path) -> None:
    packed = zip_bytes(Archive({"path": "code"}), folder.parent)
    assert unpacked(packed) == CONTENT


def test_the_same_content_gives_the_same_bytes(folder: Path) -> None:
    archive = Archive({"path": str(folder)})
    first = zip_bytes(archive, folder.parent)
    os.utime(folder / "handler.py", (10**9, 10**9))
    assert zip_bytes(archive, folder.parent) == first
    with zipfile.ZipFile(io.BytesIO(first)) as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}


def test_named_assets_and_archives_are_packed_under_their_names(folder: Path) -> None:
    archive = Archive(
        {
            "assets": {
                "main.py": Asset({"text": "z = 3\n"}),
                "copy.py": Asset({"path": "code/handler.py"}),
                "code": Archive({"path": "code"}),
            }
        }
    )
    assert unpacked(zip_bytes(archive, folder.parent)) == {
        "main.py": b"z = 3\n",
        "copy.py": CONTENT["handler.py"],
        **{f"code/{name}": content for name, content in CONTENT.items()},
    }


def test_a_program_that_may_run_may_still_run(folder: Path) -> None:
    (folder / "handler.py").chmod(0o755)
    packed = zip_bytes(Archive({"path": str(folder)}), folder.parent)
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in file.infolist()}
    assert modes == {"handler.py": 0o755, "lib/part.py": 0o644}


def test_a_zip_file_goes_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "code.zip"
    write_zip(path, CONTENT)
    assert zip_bytes(Archive({"path": "code.zip"}), tmp_path) == path.read_bytes()


def test_a_zip_file_inside_an_archive_is_unpacked(tmp_path: Path) -> None:
    write_zip(tmp_path / "code.zip", CONTENT)
    archive = Archive({"assets": {"lib": Archive({"path": "code.zip"})}})
    expected = {f"lib/{name}": content for name, content in CONTENT.items()}
    assert unpacked(zip_bytes(archive, tmp_path)) == expected


def test_a_tar_file_becomes_a_zip(folder: Path) -> None:
    with tarfile.open(folder.parent / "code.tar.gz", "w:gz") as packed:
        for name in CONTENT:
            packed.add(folder / name, name)
    assert unpacked(zip_bytes(Archive({"path": "code.tar.gz"}), folder.parent)) == CONTENT


def write_zip(path: Path, content: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in content.items():
            packed.writestr(name, data)


@pytest.mark.parametrize(
    "content",
    [
        {"uri": "https://example.com/code.zip"},
        {"assets": {"a": Asset({"uri": "https://example.com/a"})}},
    ],
)
def test_what_lies_elsewhere_is_refused_by_its_address(
    tmp_path: Path, content: dict[str, object]
) -> None:
    with pytest.raises(AwsError, match=r"https://example\.com/"):
        zip_bytes(Archive(content), tmp_path)


@pytest.mark.parametrize("limit", ["_MAX_UNZIPPED_BYTES", "_MAX_ZIPPED_BYTES"])
def test_an_archive_above_lambdas_limits_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(archives, limit, 5)
    with pytest.raises(AwsError, match="5"):
        zip_bytes(Archive({"path": str(folder)}), folder.parent)


@pytest.mark.parametrize("name", ["../out.py", "a/../../out.py", "/out.py", "..\\out.py"])
@pytest.mark.parametrize("form", ["zip", "tar", "asset"])
def test_member_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, name: str, form: str
) -> None:
    path = tmp_path / f"code.{form}"
    archive = Archive({"path": path.name})
    if form == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(name, "x")
    elif form == "tar":
        with tarfile.open(path, "w") as tar:
            tar.addfile(tarfile.TarInfo(name))
    else:
        archive = Archive({"assets": {name: Asset({"text": "x"})}})
    with pytest.raises(AwsError, match="which leads out of its folder"):
        zip_bytes(archive, tmp_path)
