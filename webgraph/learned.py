"""What runs without a server learn: fingerprints in a file, and how targets found another way could be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from webgraph.fingerprint import merged
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from webgraph.recorder import Heal, StepOutcome


def read_fingerprints(path: Path) -> dict[str, Any]:
    """The fingerprints in a file, none where there is no file yet; ValueError for a file that holds something else."""
    if not path.exists():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    if not (isinstance(known, dict) and all(isinstance(sight, dict) for sight in known.values())):
        msg = "it holds no fingerprints"
        raise ValueError(msg)
    return known


def write_fingerprints(path: Path, known: Mapping[str, Any], outcomes: Iterable[StepOutcome]) -> None:
    """Keep what is known together with what a successful attempt saw; a reader finds the old file or the new one."""
    learned = dict(known)
    for step in outcomes:
        if step.fingerprint is not None:
            learned[step.fingerprint_key] = merged(learned.get(step.fingerprint_key), step.fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(learned, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def heals_in_words(outcomes: Iterable[StepOutcome]) -> list[str]:
    """One line for each target that was found another way than written, with how it could be written; none twice."""
    heals = {step.heal.key: step.heal for step in outcomes if step.heal is not None}
    return [_line(heal) for heal in heals.values()]


def _line(heal: Heal) -> str:
    old, new = Target.model_validate(heal.old), Target.model_validate(heal.new)
    written = _first((old.css, old.test_id, old.text, old.xpath))
    where = f" in the frame {new.frame}" if new.frame and new.frame != old.frame else ""
    return f"{old}: css {new.css[0]}{where}" + (f", in place of {written}" if written else "")


def _first(ways: Sequence[Sequence[str]]) -> str:
    return next((way[0] for way in ways if way), "")
