"""`python -m webgraph check` and `schema`: what may be written, and what is wrong with what is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webgraph.commands.loading import UsageError, say
from webgraph.documents.files import problems_in_file
from webgraph.documents.reference import with_reference
from webgraph.documents.schema import json_schema

if TYPE_CHECKING:
    import argparse


def add_to(commands: Any) -> None:
    """Let the command line know them."""
    check = commands.add_parser("check", help="say everything that is wrong with flow documents")
    check.set_defaults(do=run_check)
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    schema = commands.add_parser("schema", help="print the JSON Schema of flow documents")
    schema.set_defaults(do=run_schema)
    schema.add_argument(
        "--reference", type=Path, metavar="FILE", help="write the reference into this page instead"
    )


def run_check(given: argparse.Namespace) -> int:
    """Exit code 0 when nothing is wrong."""
    problems = [line for path in given.files for line in _checked(path)]
    say("\n".join(problems) or "Nothing is wrong.")
    return 1 if problems else 0


def run_schema(given: argparse.Namespace) -> int:
    """Exit code 0."""
    if given.reference is None:
        say(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    else:
        given.reference.write_text(
            with_reference(given.reference.read_text(encoding="utf-8")), encoding="utf-8"
        )
    return 0


def _checked(path: Path) -> list[str]:
    try:
        return [f"{path}:{item.line}: {item.path}: {item.message}" for item in problems_in_file(path)]
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise UsageError(msg) from error
