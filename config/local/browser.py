"""`python -m config.local.browser [--install]`: print the browser this machine will use, or what to do to get one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from config import env
from config.local.terminal import say
from webgraph.browser.locate import BrowserNotFoundError, locate, version

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Print the browser's version and path; 1 and one line of advice when there is none."""
    try:
        executable = locate(env.read("BROWSER_EXECUTABLE"), install="--install" in arguments)
    except BrowserNotFoundError as error:
        say(str(error))
        return 1
    say(f"{version(executable) or 'unknown version'} ({executable})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
