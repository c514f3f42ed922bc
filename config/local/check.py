"""`make check`: everything that judges the code without running it; all checks run, also after one failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from config.env import BASE_DIR
from config.local import node
from config.local.environment import new_keys
from config.local.processes import inherited
from config.local.terminal import Phases, say

_MANAGE = [sys.executable, "-W", "ignore", "manage.py"]
_TOOLS = Path(sys.executable).parent
CHECKS = (
    ("lint", [sys.executable, "-m", "ruff", "check", "--quiet", "."]),
    ("format", [sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."]),
    ("types", [sys.executable, "-m", "mypy", "--no-error-summary", "."]),
    ("import contracts", [str(_TOOLS / "lint-imports"), "--no-cache"]),
    ("missing migrations", [*_MANAGE, "makemigrations", "--check", "--dry-run"]),
    ("tidiness", [sys.executable, "-m", "config.local.tidiness"]),
)


EDGE_CHECK = ("edge worker", ["npm", "--prefix", str(node.PACKAGE), "run", "check"])


def main() -> int:
    """Run every check and print what the failed ones said; 1 when one failed."""
    no_edge = node.not_ready()
    checks = CHECKS if no_edge else (*CHECKS, EDGE_CHECK)
    phases = Phases(len(checks))
    # The settings are loaded (the type checker's Django plugin does, too), so they need keys, but no real ones.
    settings = {"ENV_FILE": "", "DATABASE_URL": "", **new_keys()}
    environment = inherited({**settings, "WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1"})
    failed = []
    for name, command in checks:
        with phases.phase(name) as outcome:
            done = subprocess.run(
                command,
                cwd=BASE_DIR,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            outcome.append("ok" if done.returncode == 0 else "FAILED")
        if done.returncode != 0:
            failed.append(name)
            say(done.stdout.rstrip())
    if no_edge:
        say(f"The edge Worker was not checked: {no_edge}.")
    say(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
