"""SECURITY.md claims nothing without a test that exists."""

from __future__ import annotations

import re

import pytest

from config.env import BASE_DIR

TEXT = (BASE_DIR / "SECURITY.md").read_text(encoding="utf-8")
ANY_TEST = r"test_\w+"
ADVERSARIES = (
    "hostile page",
    "hostile sender",
    "holder of an API key",
    "stranger",
    "An operator",
    "thief of the database",
)


def claims() -> list[tuple[str, str]]:
    """Each row of the tables: what somebody cannot do, and the tests it names."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE)
    return [(claim, tests) for claim, tests in rows if tests != "Test"]


def named(text: str) -> list[tuple[str, str]]:
    """The files and tests a text names; `::test_…` alone goes on in the file before it."""
    file, found = "", []
    for path, test in re.findall(r"`([\w/]+\.py)?(?:::(test_\w+))?`", text):
        file = path or file
        if file:
            found.append((file, test))
    return found


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_each_adversary_has_a_section_that_says_what_they_can(adversary: str) -> None:
    [section] = [
        part for part in TEXT.split("\n### ")[1:] if adversary.lower() in part.partition("\n")[0].lower()
    ]

    assert "**can**" in section
    assert "cannot" in section


def test_each_claim_names_a_test() -> None:
    assert len(claims()) >= 30
    assert [claim for claim, tests in claims() if not named(tests)] == []


def test_each_named_test_exists() -> None:
    missing = []
    for file, test in named(TEXT):
        path = BASE_DIR / "tests" / file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not re.search(rf"^ *def {test or ANY_TEST}\(", source, re.MULTILINE):
            missing.append(f"{file}::{test}")

    assert missing == []
