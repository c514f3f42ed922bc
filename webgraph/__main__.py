"""`python -m webgraph`: run an automation or a flow document without a server, check one, look for its targets."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from webgraph.browser.locate import BrowserNotFoundError, locate
from webgraph.commands import documents, resolve, run
from webgraph.commands.loading import UsageError, say

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when it did what was asked, 1 when it did not, 2 for a wrong command line."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.do(given))
    except (UsageError, BrowserNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the browser is closed.\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m webgraph", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run.add_to(commands)
    resolve.add_to(commands)
    documents.add_to(commands)
    browser = commands.add_parser("browser", help="print the browser that would be used")
    browser.set_defaults(do=_browser)
    browser.add_argument("--install", action="store_true", help="get one where none is found")
    return parser


def _browser(given: argparse.Namespace) -> int:
    say(str(locate(install=given.install)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
