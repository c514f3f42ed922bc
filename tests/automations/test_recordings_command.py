"""`manage.py recordings import`."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from automations.models import Automation
from automations.services import flows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db

STEPS: list[dict[str, object]] = [
    {"type": "navigate", "url": "https://shop.example/sign-in"},
    {
        "type": "change",
        "value": "open-sesame",
        "selectors": [["aria/Password"], ["#password"]],
        "target": "main",
    },
]


def imported(tmp_path: Path, *words: str, steps: list[dict[str, object]]) -> tuple[str, str]:
    file = tmp_path / "recording.json"
    file.write_text(json.dumps({"title": "Knock at the shop", "steps": steps}))
    out, err = io.StringIO(), io.StringIO()
    call_command("recordings", "import", str(file), *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_recording_is_published_and_says_which_password_it_needs(tmp_path: Path) -> None:
    out, err = imported(tmp_path, "--publish", "--effect", "read", steps=STEPS)

    assert out.splitlines() == [
        "knock-at-the-shop v1 is published.",
        "Set the password it needs: manage.py credentials set shop-example password",
    ]
    assert err == ""
    assert flows.version_of(key="knock-at-the-shop").options["credentials"] == ["shop-example"]


def test_what_is_left_out_keeps_it_from_being_published_until_that_is_meant(tmp_path: Path) -> None:
    steps: list[dict[str, object]] = [*STEPS, {"type": "close", "target": "main"}]

    with pytest.raises(CommandError, match="--partial") as caught:
        imported(tmp_path, "--publish", steps=steps)

    assert caught.value.returncode == 3
    assert not Automation.objects.exists()
    _, err = imported(tmp_path, "--publish", "--partial", steps=steps)
    assert err == "not taken over: step 3 (close): A flow has no such step.\n"
    assert Automation.objects.runnable().get().key == "knock-at-the-shop"


def test_the_document_is_written_to_a_file_that_can_be_published(tmp_path: Path) -> None:
    imported(tmp_path, "--key", "knock", "--out", str(tmp_path / "knock.yaml"), steps=STEPS)

    text = (tmp_path / "knock.yaml").read_text()
    assert flows.check_flow(text=text) == []
    assert "open-sesame" not in text


def test_what_is_no_recording_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no step"):
        imported(tmp_path, steps=[])


def test_a_document_is_written_beside_what_is_there_and_never_over_it(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"

    imported(tmp_path, "--out", str(flow), steps=STEPS)
    flow.write_text("edited since")

    with pytest.raises(CommandError, match="is there already"):
        imported(tmp_path, "--out", str(flow), steps=STEPS)
    assert flow.read_text() == "edited since"
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        imported(tmp_path, "--out", str(tmp_path / "nowhere" / "flow.yaml"), steps=STEPS)
