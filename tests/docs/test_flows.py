"""docs/flow.schema.json and docs/flows.md say what the code does; docs/tutorial-webgraph.md is carried out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_load

from config.env import BASE_DIR
from tests.webgraph.documents.conftest import FLOWS
from webgraph.documents.reference import with_reference
from webgraph.documents.schema import json_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.site import PracticeSite

DOCS = BASE_DIR / "docs"
TUTORIAL = (DOCS / "tutorial-webgraph.md").read_text()
SITE_IN_DOCUMENT = "http://127.0.0.1:8001"
READER_SECONDS = 150
INSTALL_SECONDS = 300


def test_the_published_schema_is_the_current_one():
    published = json.loads((DOCS / "flow.schema.json").read_text())

    assert published == json_schema(), "run: python -m webgraph schema > docs/flow.schema.json"


def test_the_reference_is_the_current_one():
    page = (DOCS / "flows.md").read_text()

    assert with_reference(page) == page, "run: python -m webgraph schema --reference docs/flows.md"


@pytest.mark.parametrize("path", sorted(FLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_published_schema_accepts_what_runs(path: Path):
    schema = json.loads((DOCS / "flow.schema.json").read_text())
    Draft202012Validator.check_schema(schema)

    assert list(Draft202012Validator(schema).iter_errors(safe_load(path.read_text()))) == []


def blocks(kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of one kind: what stands behind its name, and the text."""
    return re.findall(rf"^```{kind}(.*)\n((?:.|\n)*?)^```$", TUTORIAL, re.MULTILINE)


def read_aloud(folder: Path, site_url: str, *, programs: str) -> str:
    """What the tutorial's commands print, given one after the other to a shell that finds Python in `programs`."""
    for name, text in blocks("yaml"):
        path = folder / "var" / "tutorial" / name.removeprefix(" file=")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = "\n".join(text for _, text in blocks("sh")).replace(SITE_IN_DOCUMENT, site_url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # noqa: TID251 - handed on to a child
    terminal = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**environment, "PATH": f"{programs}:{environment['PATH']}", "PYTHONPATH": str(BASE_DIR)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=READER_SECONDS, check=False,
    )  # fmt: skip

    assert terminal.returncode == 0, terminal.stdout
    return terminal.stdout


@pytest.mark.browser
@pytest.mark.timeout(READER_SECONDS + 30)
def test_every_command_of_the_tutorial_does_what_it_says(
    tmp_path: Path, practice_site: PracticeSite, browser_executable: str
):
    said = read_aloud(tmp_path, practice_site.url, programs=f"{sys.prefix}/bin")

    assert "Sign in to the back office" in said
    for _, expected in blocks("text"):
        assert expected.rstrip() in said
    assert "200 invoices" in said.splitlines()
    stored = (tmp_path / "var" / "tutorial" / "invoices").rglob("*")
    assert not any(b"practice-only" in path.read_bytes() for path in stored if path.is_file())


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(READER_SECONDS + INSTALL_SECONDS + 30)
def test_the_tutorial_works_where_nothing_but_webgraph_is_installed(
    tmp_path: Path, practice_site: PracticeSite, browser_executable: str
):
    venv.create(tmp_path / "alone", with_pip=True)
    python = tmp_path / "alone" / "bin" / "python"
    needs = str(BASE_DIR / "requirements-webgraph.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", needs], check=True, timeout=INSTALL_SECONDS)

    said = read_aloud(tmp_path, practice_site.url, programs=str(python.parent))

    assert "200 invoices" in said.splitlines()
    assert (
        subprocess.run([python, "-c", "import django"], stderr=subprocess.DEVNULL, check=False).returncode
        == 1
    )
