"""`make lock`: write each requirements file again from its `.in` file, with hashes, for every platform.

The order matters: the later ones are constrained by the first.
"""

from __future__ import annotations

import shutil
import sys

from config.local.terminal import Phases, say
from config.local.virtualenv import SetupError, run

LOCKS = ("requirements", "requirements-dev", "requirements-vision", "requirements-webgraph")
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--quiet",
)


def main() -> int:
    """Write the locks; 1 when uv is missing or finds no solution."""
    uv = shutil.which("uv")
    if uv is None:
        say("uv makes the locks and is not installed. Run once: pip install uv")
        return 1
    phases = Phases(len(LOCKS))
    try:
        for name in LOCKS:
            with phases.phase(f"{name}.txt"):
                run([uv, "pip", "compile", *OPTIONS, f"{name}.in", "--output-file", f"{name}.txt"])
    except SetupError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
