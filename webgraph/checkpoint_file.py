"""Where an attempt without a server keeps what another one needs to go on: one file for its owner alone."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from webgraph.checkpoint import Checkpoint
from webgraph.recorder import Effect, Happened

if TYPE_CHECKING:
    from pathlib import Path

    from webgraph.recorder import StageAnswer, StageEnd, StageStart


class UnfinishedCommitError(Exception):
    """A commit began and its end is unknown: nobody but a person may go on."""


class CheckpointFile:
    """The newest checkpoint, and the commits that happened. Whoever can read the file is signed in.

    `asked` is what the automation was asked to do: the checkpoint of another job is none.
    """

    def __init__(self, path: Path, *, asked: Any) -> None:
        self._path = path
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
        self._facts: dict[str, Any] = {"asked": digest, "checkpoint": None, "happened": {}, "began": ""}

    def read(self) -> Checkpoint | None:
        """The checkpoint to go on after; None when there is none yet.

        Raises UnfinishedCommitError, and ValueError or OSError for a file that is none of these.
        """
        if not self._path.exists():
            return None
        facts = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or facts.keys() != self._facts.keys():
            msg = "it holds no checkpoint"
            raise ValueError(msg)
        if facts["asked"] != self._facts["asked"]:
            msg = "it is of another automation, or of other params"
            raise ValueError(msg)
        if facts["began"]:
            raise UnfinishedCommitError(facts["began"])
        self._facts = facts
        return Checkpoint.from_json(facts["checkpoint"]) if facts["checkpoint"] is not None else None

    def begin(self, stage: StageStart) -> StageAnswer:
        """Keep that a commit begins, before it acts; what it left behind when it happened earlier."""
        if stage.effect is not Effect.COMMIT:
            return None
        left = self._facts["happened"].get(stage.name)
        if left is not None:
            return Happened(where="in an earlier attempt", **left)
        self._write(began=stage.name)
        return None

    def end(self, stage: StageEnd) -> None:
        """Keep the checkpoint of a finished stage, and that its commit happened."""
        if not stage.succeeded:
            return
        happened = dict(self._facts["happened"])
        if self._facts["began"] == stage.name:
            at = stage.checkpoint
            where = {"url": at.url, "page": at.page} if at is not None else {}
            happened[stage.name] = {"state": stage.state, "value": stage.value, **where}
        newest = stage.checkpoint.as_json() if stage.checkpoint is not None else self._facts["checkpoint"]
        self._write(checkpoint=newest, happened=happened, began="")

    def remove(self) -> None:
        """Forget it all: the automation is at its end."""
        self._path.unlink(missing_ok=True)

    def _write(self, **changes: Any) -> None:
        """Replace the file as a whole, so that an attempt that is killed leaves the old or the new one."""
        self._facts |= changes
        new = self._path.with_name(f"{self._path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._facts, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
