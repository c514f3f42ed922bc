"""Management commands of the form "noun, then verb": `manage.py runs cancel ID`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.core.management.base import CommandParser

ACTOR = "command"
_WITH_LOG = 2


class NounCommand(BaseCommand):
    """A command whose first word is a verb.

    Each verb is a method `do_<verb>(**options)`; its docstring's first sentence is its help, and a method
    `<verb>_arguments(parser)` adds its arguments, where it takes any.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one sub-parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name in sorted(name for name in dir(self) if name.startswith("do_")):
            verb = name.removeprefix("do_")
            words = (getattr(self, name).__doc__ or "").partition("\n")[0]
            own = verbs.add_parser(verb.replace("_", "-"), help=words, description=words)
            getattr(self, f"{verb}_arguments", lambda _parser: None)(own)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says; at a terminal without the log's lines below warnings, unless `-v 2` asks for them."""
        del args
        if sys.stderr.isatty() and options["verbosity"] < _WITH_LOG:
            logging.getLogger().setLevel(logging.WARNING)
        verb = options.pop("verb").replace("-", "_")
        getattr(self, f"do_{verb}")(**options)

    def say(self, line: str) -> None:
        """Print one line at once, so that progress is seen while it happens."""
        self.stdout.write(line)
        self.stdout.flush()

    def say_json(self, value: Any) -> None:
        """Print a value as JSON, for scripts."""
        self.say(json.dumps(value, indent=2, default=str))

    def say_table(self, head: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
        """Print rows in columns as wide as they need; `empty` is said when there is none."""
        lines = [[str(cell) for cell in row] for row in rows]
        if not lines:
            self.say(empty)
            return
        widths = [max(len(line[column]) for line in [list(head), *lines]) for column in range(len(head))]
        for line in [list(head), *lines]:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def pairs(words: Iterable[str]) -> dict[str, str]:
    """The words "name=value" as a mapping; ValueError names the word that is none."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            msg = f"{word!r} is not of the form name=value."
            raise ValueError(msg)
        found[name] = value
    return found


def at_least(least: int) -> Callable[[str], int]:
    """An argument's type: a whole number, `least` or more."""

    def number(word: str) -> int:
        value = int(word)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more, not {value}")
        return value

    number.__name__ = "whole number"  # what argparse calls it in its own complaint
    return number
