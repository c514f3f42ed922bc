"""docs/flow.schema.json and docs/flows.md say what the code does; docs/tutorial-webgraph.md is carried out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
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


@pytest.mark.browser
@pytest.mark.timeout(READER_SECONDS + 30)
def test_every_command_of_the_tutorial_does_what_it_says(
    tmp_path: Path, practice_site: PracticeSite, browser_executable: str
):
    for name, text in blocks("yaml"):
        path = tmp_path / "var" / "tutorial" / name.removeprefix(" file=")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = "\n".join(text for _, text in blocks("sh")).replace(SITE_IN_DOCUMENT, practice_site.url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # noqa: TID251 - handed on to a child
    programs = f"{sys.prefix}/bin:{environment['PATH']}"

    terminal = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path, env={**environment, "PATH": programs, "PYTHONPATH": str(BASE_DIR)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=READER_SECONDS, check=False,
    )  # fmt: skip

    assert terminal.returncode == 0, terminal.stdout
    assert "Sign in to the back office" in terminal.stdout
    ((_, mistakes),) = blocks("text")
    assert mistakes in terminal.stdout
    assert "200 invoices" in terminal.stdout.splitlines()
    stored = (tmp_path / "var" / "tutorial" / "invoices").rglob("*")
    assert not any(b"practice-only" in path.read_bytes() for path in stored if path.is_file())
