"""Keeps what an attempt reports as plain files in a folder."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webgraph.recorder import EvidenceGap

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra_shared.leaks import Leak, LeakScan
    from webgraph.checkpoint_file import CheckpointFile
    from webgraph.outcome import AttemptResult
    from webgraph.recorder import (
        Evidence,
        LogLine,
        Question,
        Resumed,
        StageAnswer,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )

_UNSAFE = re.compile(r"[^\w.\-]+")
_LONGEST_NAME = 100


class FolderRecorder:
    """A Recorder that writes `steps.jsonl`, `evidence.jsonl`, `log.jsonl`, `run.json` and the files below `evidence/`.

    `say` is called with one line for each thing that happens. A file in which `scan` finds a secret is left out, as
    there is no key here to encrypt it with. The browser's storage state is written into the
    `checkpoint` file alone, where one is given: whoever holds it is signed in.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        checkpoint: CheckpointFile | None = None,
        *,
        scan: LeakScan | None = None,
    ) -> None:
        self._scan = scan
        self._checkpoint = checkpoint
        self._folder = folder
        self._files = folder / "evidence"
        self._files.mkdir(parents=True, exist_ok=True)
        self._say = say
        self.outcomes: list[StepOutcome] = []
        self._steps = folder / "steps.jsonl"
        self._index = folder / "evidence.jsonl"
        self._log = folder / "log.jsonl"
        for log in (self._steps, self._index, self._log):
            log.write_text("", encoding="utf-8")

    def stage_started(self, stage: StageStart) -> StageAnswer:
        """Say it and keep it; a commit that happened in an earlier attempt is not to be done again."""
        self._say(f"stage {stage.position}: {stage.name} ({stage.effect})")
        _append(self._steps, {"event": "stage_started", **asdict(stage)})
        return self._checkpoint.begin(stage) if self._checkpoint is not None else None

    def stage_finished(self, stage: StageEnd) -> None:
        """Keep it, without the browser's state."""
        facts = asdict(stage)
        del facts["checkpoint"], facts["state"], facts["value"]
        _append(self._steps, {"event": "stage_finished", **facts})
        if self._checkpoint is not None:
            self._checkpoint.end(stage)

    def resumed(self, item: Resumed) -> None:
        """Say it and keep it."""
        words = f"starts over: {item.refusal}" if item.refusal else f"goes on after stage {item.position}"
        self._say(words)
        _append(self._steps, {"event": "resumed", **asdict(item)})

    def asked(self, question: Question) -> dict[str, Any] | None:  # noqa: ARG002 - the protocol's
        """Nobody can be asked here; the question is left unanswered."""
        return None

    def step_started(self, step: StepIntent) -> None:
        """Say it and keep it."""
        self._say(f"  {step.index:3}. {step.description}")
        _append(self._steps, {"event": "step_started", **asdict(step)})

    def step_finished(self, step: StepOutcome) -> None:
        """Keep it, and say what failed."""
        if not step.succeeded:
            self._say(f"       failed ({step.failure_kind}): {step.message}")
        self.outcomes.append(step)
        _append(self._steps, {"event": "step_finished", **asdict(step)})

    def evidence(self, item: Evidence) -> None:
        """Write the file and a line about it; of one that holds a secret only the line."""
        leak = self._scan.leak_in(item.body, name=item.name) if self._scan is not None else None
        if leak is not None:
            self.gap(_left_out(item, leak))
            return
        path = self._free_path(item.name)
        path.write_bytes(item.body)
        facts = {
            "kind": item.kind,
            "file": str(path.relative_to(self._folder)),
            "content_type": item.content_type,
            "bytes": len(item.body),
            "sha256": hashlib.sha256(item.body).hexdigest(),
            "captured_at": item.captured_at,
            "step_index": item.step_index,
            "stage": item.stage,
        }
        _append(self._index, facts)

    def gap(self, gap: EvidenceGap) -> None:
        """Keep and say that something is missing."""
        self._say(f"       no {gap.kind}: {gap.reason}")
        _append(self._index, {**asdict(gap), "file": None})

    def logged(self, line: LogLine) -> None:
        """Say it and keep it."""
        words = " ".join([line.event, *(f"{name}={value}" for name, value in line.fields.items())])
        self._say(f"       {line.level}: {words}")
        _append(self._log, asdict(line))

    def finish(self, result: AttemptResult) -> None:
        """Write how the attempt ended."""
        text = json.dumps(asdict(result), ensure_ascii=False, indent=2, default=str)
        (self._folder / "run.json").write_text(text + "\n", encoding="utf-8")

    def _free_path(self, name: str) -> Path:
        """A path below the folder for a name a page may have chosen."""
        safe = Path(_UNSAFE.sub("_", Path(name).name)[-_LONGEST_NAME:].lstrip(".") or "file")
        path, number = self._files / safe, 1
        while path.exists():
            number += 1
            path = self._files / f"{safe.stem}-{number}{safe.suffix}"
        return path


def _left_out(item: Evidence, leak: Leak) -> EvidenceGap:
    return EvidenceGap(
        kind=item.kind,
        reason=f"It was left out. {leak.reason}",
        captured_at=item.captured_at,
        step_index=item.step_index,
        stage=item.stage,
    )


def _append(path: Path, facts: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")
