"""What the documents point at is there, and what is generated is current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from config.api import api
from config.env import BASE_DIR
from config.local import settings_page
from infra_shared.nouns import NounCommand
from infra_shared.scopes import Scope

DOCUMENTS = sorted(
    path.relative_to(BASE_DIR)
    for pattern in ("*.md", "docs/**/*.md", "edge_worker/*.md")
    for path in BASE_DIR.glob(pattern)
)
DECISIONS = [path for path in DOCUMENTS if re.fullmatch(r"\d{4}-.*", path.name)]
FOR_MAKE_RUN_ALONE = {"demo prepare", "hooks demo"}
LONGEST_DECISION_LINES = 60
LONGEST_ARCHITECTURE_LINES = 150


def text_of(path: Path) -> str:
    return (BASE_DIR / path).read_text()


def names_of_tests(path: Path) -> set[str]:
    return set(re.findall(r"def (test_\w+)", path.read_text())) if path.is_file() else set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text_of(document))

    missing = [link for link in links if not (BASE_DIR / document.parent / link).exists()]

    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_named_file_of_this_tree_is_there(document: Path) -> None:
    packages = "automations|config|infra_shared|intake|runs|tests|webgraph|docs|templates"
    named = re.findall(rf"`((?:{packages})/[\w./-]+\.\w+)`", text_of(document))

    # What a document names may live below tests/ under the same path, or be written by the reader.
    written = re.findall(r"[\w/]+/(?:test_)?read_heading\.py", text_of(document))
    missing = {name for name in named if not any((BASE_DIR / root / name).exists() for root in ("", "tests"))}

    assert missing <= set(written)


def test_each_invariant_names_tests_that_exist() -> None:
    missing = []
    module = Path()
    for path, name in re.findall(r"`([\w/]*\.py)?(?:::(test_\w+))?`", text_of(Path("ARCHITECTURE.md"))):
        module = BASE_DIR / "tests" / path if path else module
        if name and name not in names_of_tests(module):
            missing.append(f"{path}::{name}")

    assert not missing


def test_every_command_stands_in_the_table_with_each_of_its_verbs() -> None:
    table = [line for line in text_of(Path("docs/operations.md")).splitlines() if line.startswith("| `")]
    missing = set()
    for name, app in get_commands().items():
        command = load_command_class(app, name)
        if not isinstance(command, NounCommand):
            continue
        words = " ".join(line for line in table if f"`{name} " in line)
        verbs = {
            verb.removeprefix("do_").replace("_", "-") for verb in dir(command) if verb.startswith("do_")
        }
        missing |= {f"{name} {verb}" for verb in verbs if not re.search(rf"[` ]{verb}\b", words)}

    assert missing <= FOR_MAKE_RUN_ALONE


def test_the_page_about_the_api_names_every_scope_and_every_part_of_an_endpoints_path() -> None:
    page = text_of(Path("docs/api.md"))
    paths = api.get_openapi_schema(path_prefix="/")["paths"]
    parts = {part for path in paths for part in path.strip("/").split("/") if not part.startswith("{")}

    assert {scope.value for scope in Scope} <= set(re.findall(r"`(\w+:\w+)`", page))
    assert {part for part in parts if not re.search(rf"[/`]{part}\b", page)} == set()


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_is_short_and_says_what_follows(decision: Path) -> None:
    text = text_of(decision)

    assert len(text.splitlines()) < LONGEST_DECISION_LINES
    assert re.findall("^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_the_architecture_fits_on_its_page() -> None:
    assert len(text_of(Path("ARCHITECTURE.md")).splitlines()) <= LONGEST_ARCHITECTURE_LINES


def test_the_page_of_settings_is_current() -> None:
    assert settings_page.PATH.read_text() == settings_page.render(), (
        "Run `python -m config.local.settings_page`."
    )
