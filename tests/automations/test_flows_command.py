"""`manage.py flows`: what an engineer does with documents from the shell."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from tests.automations.test_flows import LONGER, LOOK

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "look.yaml"
    path.write_text(LOOK)
    return path


def test_a_document_is_checked_published_compared_and_rolled_back(file: Path) -> None:
    assert said("flows", "check", str(file)) == "It can be published.\n"
    assert said("flows", "publish", str(file)) == "look v1 is published.\n"
    assert said("flows", "diff", "look", str(file)) == "It changes nothing.\n"
    file.write_text(LONGER)
    assert said("flows", "publish", str(file), "--reason", "look twice") == "look v2 is published.\n"
    assert said("flows", "rollback", "look", "1") == "look v1 is published.\n"
    assert said("flows", "show", "look") == LOOK
    assert said("flows", "show", "look", "--version", "2") == LONGER
    (row,) = json.loads(said("flows", "list", "--json"))
    assert (row["key"], row["published"], row["newest"]) == ("look", 1, 2)


def test_a_difference_is_shown_and_is_exit_code_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said("flows", "publish", str(file))
    file.write_text(LONGER)

    with pytest.raises(SystemExit) as ended:
        call_command("flows", "diff", "look", str(file))

    assert ended.value.code == 1
    assert "+      - goto: https://example.com/again" in capsys.readouterr().out.splitlines()


def test_problems_name_file_line_and_path(file: Path) -> None:
    file.write_text(LOOK.replace("effect: read", "effect: maybe"))

    with pytest.raises(CommandError, match=r"look\.yaml:8: stages\[0\]\.effect: Input should be 'read'"):
        said("flows", "check", str(file))
    with pytest.raises(CommandError, match=r"look\.yaml:8: "):
        said("flows", "publish", str(file))


def test_problems_are_json_for_scripts(file: Path) -> None:
    file.write_text(LOOK.replace("effect: read", "effect: maybe"))
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("flows", "check", str(file), "--json", stdout=out)

    assert ended.value.code == 1
    (problem,) = json.loads(out.getvalue())
    assert (problem["path"], problem["line"]) == ("stages[0].effect", 8)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        said("flows", "publish", str(tmp_path / "none.yaml"))
