"""docs/retention.md, written from what the code says: the default rules, and every table with its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.retention import Keep, declared
from runs.retention_policy import DEFAULTS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# What is kept how long

Written by `python manage.py artifacts reference > docs/retention.md`. How retention works: [operations](operations.md#what-is-kept-how-long).

## Files and runs, unless a rule says otherwise

Days from the end of the run, by how it ended. *Failed* is a failure nobody has resolved yet.
"""
_TABLES = """
## Every table

A test walks all tables there are and demands each here.
"""
_ENDS = {
    Keep.RULE: "Removed when old",
    Keep.FOR_EVER: "Kept for ever, on purpose",
    Keep.WITH_OWNER: "Removed with what they belong to",
    Keep.BOUNDED: "Bounded by what people set up",
}


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_defaults(), _TABLES, *_tables()]).rstrip() + "\n"


def _defaults() -> Iterator[str]:
    yield "| kind | " + " | ".join(Outcome) + " |"
    yield "|---" * (len(Outcome) + 1) + "|"
    for kind, days in DEFAULTS.items():
        yield f"| `{kind}` | " + " | ".join(str(days.of(outcome)) for outcome in Outcome) + " |"


def _tables() -> Iterator[str]:
    for keep, title in _ENDS.items():
        yield f"### {title}\n\n| table | how long |\n|---|---|"
        yield from sorted(f"| `{item.model}` | {item.words} |" for item in declared() if item.keep is keep)
        yield ""
