"""`make bench [NAME=…]`: run the programs under `benchmarks/`, one after the other, each a module of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from config.env import BASE_DIR
from config.local.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(names: Sequence[str]) -> int:
    """Run the named benchmarks, or all; 1 when one could not measure."""
    folder = BASE_DIR / "benchmarks"
    known = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    unknown = set(names) - set(known)
    if unknown or not known:
        say(f"No benchmark named {', '.join(sorted(unknown))}." if unknown else "No benchmarks yet.")
        say(f"There are: {', '.join(known) or 'none'}.")
        return 1
    failed = []
    for name in names or known:
        say(f"== {name}")
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
        if subprocess.run(command, cwd=BASE_DIR, check=False).returncode != 0:
            failed.append(name)
    if failed:
        say(f"Could not measure: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
