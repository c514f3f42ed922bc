"""`make audit`: whether anything the locks name has a known weakness. Asks the registries, so it needs a network.

Exit codes: 0, none is known; 1, some are, each named; 2, not everything could be asked, so nothing is proved.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.env import BASE_DIR
from config.local import node
from config.local.lock import LOCKS
from config.local.terminal import Phases, say

if TYPE_CHECKING:
    from collections.abc import Callable

CLEAN, WEAK, UNKNOWN = 0, 1, 2
_ASK_SECONDS = 300
_PIP_AUDIT = (
    sys.executable,
    "-m",
    "pip_audit",
    "--disable-pip",
    "--format",
    "json",
    "--progress-spinner",
    "off",
)
_NPM_AUDIT = ("npm", "--prefix", str(node.PACKAGE), "audit", "--json")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one registry said: the weaknesses, or why it could not be asked."""

    weaknesses: tuple[str, ...] = ()
    unasked: str = ""


def judge_pip(printed: str, complaint: str) -> Verdict:
    """Read what pip-audit printed; it prints nothing where it could not ask."""
    try:
        packages: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(unasked=_last_line(complaint))
    skipped = [
        f"{package['name']}: {package['skip_reason']}" for package in packages if "skip_reason" in package
    ]
    found = tuple(
        f"{package['name']} {package['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}"
        for package in packages
        for weakness in package.get("vulns", ())
    )
    return Verdict(found, unasked=_in_short(skipped))


def judge_npm(printed: str, complaint: str) -> Verdict:
    """Read what `npm audit --json` printed."""
    try:
        answer: dict[str, Any] = json.loads(printed)
        found = answer.get("vulnerabilities")
    except (ValueError, AttributeError):
        return Verdict(unasked=_last_line(complaint))
    if found is None:
        return Verdict(unasked=str(answer.get("message") or _last_line(complaint)))
    return Verdict(
        tuple(f"{name}: {item['severity']}, {item['range']}" for name, item in sorted(found.items()))
    )


def main() -> int:
    """Ask for each lock and say what was found."""
    asked: list[tuple[str, tuple[str, ...], Callable[[str, str], Verdict]]] = [
        (f"{lock}.txt", (*_PIP_AUDIT, "--requirement", f"{lock}.txt"), judge_pip) for lock in LOCKS
    ]
    no_node = node.problem()
    if not no_node:
        asked.append(("edge_worker/package-lock.json", _NPM_AUDIT, judge_npm))
    phases = Phases(len(asked))
    verdicts: dict[str, Verdict] = {}
    for name, command, judge in asked:
        with phases.phase(name) as outcome:
            verdicts[name] = _ask(command, judge)
            outcome.append(_word(verdicts[name]))
    if no_node:
        verdicts["edge_worker/package-lock.json"] = Verdict(unasked=no_node)
    return report(verdicts)


def report(verdicts: dict[str, Verdict]) -> int:
    """Say each weakness and each lock that could not be asked about; the exit code."""
    for name, verdict in verdicts.items():
        for line in verdict.weaknesses:
            say(f"{name}: {line}")
        if verdict.unasked:
            say(f"{name}: NOT ASKED, is there a network? {verdict.unasked}")
    if any(verdict.weaknesses for verdict in verdicts.values()):
        return WEAK
    if any(verdict.unasked for verdict in verdicts.values()):
        say("Nothing is proved: not every registry could be asked.")
        return UNKNOWN
    say("No known weakness.")
    return CLEAN


def _ask(command: tuple[str, ...], judge: Callable[[str, str], Verdict]) -> Verdict:
    try:
        done = subprocess.run(
            command, cwd=BASE_DIR, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Verdict(unasked=str(error))
    return judge(done.stdout, done.stderr)


def _word(verdict: Verdict) -> str:
    if verdict.weaknesses:
        return f"{len(verdict.weaknesses)} known"
    return "not asked" if verdict.unasked else "none known"


def _in_short(skipped: list[str]) -> str:
    return f"{len(skipped)} packages, such as {skipped[0]}" if skipped else ""


def _last_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"


if __name__ == "__main__":
    sys.exit(main())
