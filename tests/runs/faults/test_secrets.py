"""A secret typed by a real run through a real node is found in nothing that was stored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.runs.faults.leaks import everything_stored, places_of

if TYPE_CHECKING:
    from tests.runs.faults.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
BLACK = 24
"""No channel of a covered place is brighter, whatever the picture's compression made of it."""


def test_no_stored_byte_log_line_or_row_holds_a_typed_secret(broken: Rig) -> None:
    run_id = broken.ask("type-secrets", evidence_level="full")

    run = broken.ended(run_id)

    assert run["state"] == "succeeded", run["failure"]
    assert places_of(broken.secrets.values(), broken) == []


def test_the_search_looks_into_rows_archives_and_compressed_files(broken: Rig) -> None:
    broken.ended(broken.ask("show-the-same-text", customer="plain text", reference="as typed"))

    typed = [name for name, body in everything_stored(broken) if b"plain text" in body]
    shown = [name for name, body in everything_stored(broken) if b"Fernhill Supply" in body]

    assert {"runs_run", "runs_step"} <= set(typed)
    assert any("!" in name for name in typed)
    assert any(name.endswith(".zst") for name in shown)


def test_secrets_in_visible_fields_are_black_in_every_picture(broken: Rig) -> None:
    masked = broken.ask("type-secrets")
    shown = broken.ask("show-the-same-text", customer="x" * 30, reference="x" * 30)
    for run_id in (masked, shown):
        assert broken.ended(run_id)["state"] == "succeeded"

    black = [_black_pixels(broken, masked, f"Fill “{field}”") for field in ("Customer", "Reference")]
    plain = [_black_pixels(broken, shown, f"Fill “{field}”") for field in ("Customer", "Reference")]

    assert black[1] > black[0] > 1500
    assert max(plain) < black[0] / 4


def _black_pixels(rig: Rig, run_id: str, description: str) -> int:
    """How many pixels of the picture taken after a step are black."""
    step = next(item for item in rig.all_of(run_id, "steps") if item["description"].startswith(description))
    picture = next(
        item
        for item in rig.all_of(run_id, "artifacts")
        if item["step"] == step["index"] and item["kind"] == "step_picture"
    )
    content = rig.api.get(f"/artifacts/{picture['id']}/content").raise_for_status().content
    channels = Image.open(io.BytesIO(content)).convert("RGB").split()
    dark = [channel.point(lambda value: 255 if value <= BLACK else 0).convert("1") for channel in channels]
    together = dark[0]
    for channel in dark[1:]:
        together = Image.composite(together, channel, channel)
    return together.histogram()[-1]
