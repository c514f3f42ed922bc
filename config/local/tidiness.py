"""Two rules for tracked files that no linter knows: files stay short, and no file names a path of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from config.env import BASE_DIR
from config.local.terminal import say

LONGEST_LINES = 400
CODE = {".py", ".ts", ".js", ".sh"}
LONGER_ON_PURPOSE = re.compile(r"longer than \d+ lines: \w+")  # followed by the reason
HOMES = re.compile(r"(?<![\w.:/-])/(?:home|root|Users)/[\w.-]+")


def complaints(name: str, text: str, *, checkout: str) -> list[str]:
    """Return what is wrong with one file, one line each."""
    found = []
    lines = text.splitlines()
    exempt = "/migrations/" in name or LONGER_ON_PURPOSE.search(text)
    if Path(name).suffix in CODE and len(lines) > LONGEST_LINES and not exempt:
        found.append(f"{name}: {len(lines)} lines, more than {LONGEST_LINES}. Split it by noun.")
    for number, line in enumerate(lines, start=1):
        if HOMES.search(line) or f"{checkout}/" in line:
            found.append(f"{name}:{number}: names a path of one machine.")
    return found


def main() -> int:
    """Print every complaint about the tracked files; 1 when there is one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = BASE_DIR / name
        if path.is_file() and (text := _text(path)) is not None:
            found += complaints(name, text, checkout=str(BASE_DIR))
    for line in found:
        say(line)
    return 1 if found else 0


def _text(path: Path) -> str | None:
    """Return a file's text; None for a picture and the like."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


if __name__ == "__main__":
    sys.exit(main())
