"""The rules for tracked files that no linter knows."""

from __future__ import annotations

import pytest

from config.local.tidiness import complaints

HOME = "/ho" + "me/anna/project"  # spelled apart: this file is checked, too


def check(text: str, name: str = "runs/states.py") -> list[str]:
    return complaints(name, text, checkout="/srv/checkout")


def test_a_long_file_is_refused_unless_it_says_why() -> None:
    assert "401 lines" in check("x\n" * 401)[0]
    assert check("# longer than 400 lines: one table\n" + "x\n" * 400) == []
    assert check("x\n" * 401, name="runs/migrations/0001_tables.py") == []


@pytest.mark.parametrize("text", [f"see {HOME}", f'open("{HOME}")', "cd /srv/checkout/tests"])
def test_a_path_of_one_machine_is_refused_with_its_line(text: str) -> None:
    assert check(f"fine\n{text}\n") == ["runs/states.py:2: names a path of one machine."]


@pytest.mark.parametrize("text", ["https://example.com/home/page", "/api/v1/runs", "./home/x"])
def test_addresses_and_relative_paths_are_no_machine_paths(text: str) -> None:
    assert check(text) == []
