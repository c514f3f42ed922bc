"""Secrets a command needs, taken from where neither the shell's history nor the list of processes shows them."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from webgraph.commands.loading import UsageError, variable

if TYPE_CHECKING:
    from collections.abc import Iterable

METAVAR = "NAME[=@env:VARIABLE]"
HELP = "asked for at the terminal, a line of standard input where that is none, or an environment variable"
_FROM_ENVIRONMENT = "@env:"


def secret_values(words: Iterable[str], *, option: str) -> dict[str, str]:
    """The secrets that words such as `pin` or `pin=@env:PIN` name, in their order.

    `pin` is asked for at the terminal without showing it; where standard input is no terminal, it is the next line of
    it. UsageError for a value that stands in the command line itself, an unset variable, and an input that has ended.
    """
    return dict(_named(word, option) for word in words)


def _named(word: str, option: str) -> tuple[str, str]:
    name, separator, source = word.partition("=")
    if not name or (separator and not source.startswith(_FROM_ENVIRONMENT)):
        # The word is not repeated: it may hold the secret.
        msg = f"{option} takes {METAVAR}: a secret in a command line stays in the shell's history."
        raise UsageError(msg)
    asked_by = f"{option} {name}"
    if separator:
        return name, variable(source.removeprefix(_FROM_ENVIRONMENT), asked_by=asked_by)
    value = _asked(name) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        msg = f"{asked_by}: nothing was given; type it, or pipe one line for each secret."
        raise UsageError(msg)
    return name, value


def _asked(name: str) -> str:
    try:
        return getpass.getpass(f"{name}: ")
    except EOFError:  # Ctrl-D: nothing was typed
        return ""
