"""`self.log`: what an automation says is reported with its place, as JSON, and without secrets."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infra_shared.redaction import MASK
from tests.webgraph.memory import Memory
from webgraph.evidence.scrub import Scrub
from webgraph.flow import Automation
from webgraph.folder_recorder import FolderRecorder
from webgraph.journal import Journal, deliver
from webgraph.recorder import LogLevel, LogLine
from webgraph.run_log import LONGEST_EVENT, RunLog

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Here:
    """The third step of a stage."""

    stage: str = "read"
    last_index: int | None = 3


def said(journal: Journal) -> LogLine:
    """The one line that was reported."""
    report = journal.next(1)
    assert report is not None
    memory = Memory()
    deliver(report, memory)
    [line] = memory.lines
    return line


@pytest.mark.parametrize("level", list(LogLevel))
def test_a_line_has_its_level_its_step_and_its_stage(level: LogLevel) -> None:
    journal = Journal()
    log = RunLog(journal, Scrub({}), Here())

    getattr(log, level.value)("rows_read", rows=12)

    line = said(journal)
    assert (line.level, line.event, line.fields) == (level, "rows_read", {"rows": 12})
    assert (line.step_index, line.stage) == (3, "read")


def test_secrets_are_taken_out_and_what_json_does_not_know_becomes_text() -> None:
    journal = Journal()
    log = RunLog(journal, Scrub({"shop": {"password": "hunter2-and-more"}}), Here())

    log.info(
        "typed hunter2-and-more", event="mine", at=datetime(2026, 1, 2, tzinfo=UTC), by=["hunter2-and-more"]
    )

    line = said(journal)
    assert line.event == f"typed {MASK}"
    assert line.fields == {"event": "mine", "at": "2026-01-02 00:00:00+00:00", "by": [MASK]}


def test_a_very_long_text_is_cut() -> None:
    journal = Journal()
    log = RunLog(journal, Scrub({}), Here())

    log.warning("x" * 5_000)

    assert len(said(journal).event) == LONGEST_EVENT


def test_outside_an_attempt_lines_go_to_pythons_logging(caplog: pytest.LogCaptureFixture) -> None:
    automation = Automation(None)

    with caplog.at_level(logging.INFO, logger="automation"):
        automation.log.info("rows_read", rows=12)

    assert "rows_read {'rows': 12}" in caplog.text


def test_webgraph_alone_says_lines_and_keeps_them_in_a_file(tmp_path: Path) -> None:
    spoken: list[str] = []
    recorder = FolderRecorder(tmp_path, spoken.append)

    recorder.logged(
        LogLine(
            level=LogLevel.INFO,
            event="rows_read",
            fields={"rows": 12},
            logged_at=datetime(2026, 1, 2, tzinfo=UTC),
            step_index=3,
        )
    )

    [kept] = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert (kept["event"], kept["fields"], kept["step_index"]) == ("rows_read", {"rows": 12}, 3)
    assert spoken == ["       info: rows_read rows=12"]
