"""A file that is said to hold a run: what its table of contents may say, before anything of it is read."""

from __future__ import annotations

import copy
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from runs.errors import BundleRefusedError
from runs.services.bundle_files import open_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "run.zip"


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\b", "c:x"])
def test_hostile_names_are_refused(name: str, file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x")

    with pytest.raises(BundleRefusedError, match="not allowed"), open_bundle(file):
        pass


def _overlapping(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", os.urandom(50_000))
    twin = copy.copy(archive.getinfo("a"))
    twin.filename = "b"
    archive.filelist.append(twin)


def _encrypted(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", b"x")
    archive.getinfo("a").flag_bits |= 1


def _packed_oddly(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", bytes(1_000), compress_type=zipfile.ZIP_LZMA)


def _of_many_files(archive: zipfile.ZipFile) -> None:
    for number in range(4):
        archive.writestr(str(number), b"")


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (_overlapping, "on top of each other"),
        (_encrypted, "packed in a way"),
        (_packed_oddly, "packed in a way"),
        (_of_many_files, "3 is the most"),
    ],
)
def test_hostile_tables_of_contents_are_refused(
    fill: Callable[[zipfile.ZipFile], None], told: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.services.bundle_files.MOST_FILES", 3)
    with zipfile.ZipFile(file, "w") as archive:
        fill(archive)

    with pytest.raises(BundleRefusedError, match=told), open_bundle(file):
        pass


def test_hostile_bytes_that_are_no_zip_are_refused(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04" + os.urandom(200))

    with pytest.raises(BundleRefusedError, match="no zip file"), open_bundle(file):
        pass
