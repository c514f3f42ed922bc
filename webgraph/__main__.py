"""`python -m webgraph`: run an automation or a flow document without a server, check one, name the browser."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import BrowserNotFoundError, locate
from webgraph.documents.files import automation_in_file, problems_in_file
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.reference import with_reference
from webgraph.documents.schema import json_schema
from webgraph.documents.shared import SUFFIXES
from webgraph.flow import Automation
from webgraph.folder_recorder import FolderRecorder
from webgraph.inputs import LocalFile, named_files
from webgraph.network import AddressPolicy
from webgraph.outcome import AttemptSpec, Outcome
from webgraph.recorder import EvidenceLevel
from webgraph.runner import run_attempt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webgraph.inputs import InputSource
    from webgraph.outcome import AttemptResult

INTERRUPTED = 130


class UsageError(Exception):
    """The command line does not say what to do; the message says what to change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when the automation succeeded, 1 when it did not, 2 for a wrong command line."""
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
    run = commands.add_parser("run", help="run one automation and keep its evidence in a folder")
    run.set_defaults(do=_run)
    run.add_argument("automation", help="module:Class, or a flow document in a .yaml, .yml or .json file")
    run.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a param; for a file, its path"
    )
    run.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="CREDENTIAL.FIELD=VARIABLE",
        help="take a credential's field from an environment variable",
    )
    run.add_argument("--out", type=Path, required=True, help="folder for evidence, steps and result")
    run.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="let the browser open this private or loopback address",
    )
    run.add_argument("--evidence", choices=[level.value for level in EvidenceLevel])
    run.add_argument("--browser", metavar="PATH", help="the browser to use instead of the found one")
    run.add_argument("--headed", action="store_true", help="show the browser's window")
    check = commands.add_parser("check", help="say everything that is wrong with flow documents")
    check.set_defaults(do=_check)
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    schema = commands.add_parser("schema", help="print the JSON Schema of flow documents")
    schema.set_defaults(do=_schema)
    schema.add_argument(
        "--reference", type=Path, metavar="FILE", help="write the reference into this page instead"
    )
    browser = commands.add_parser("browser", help="print the browser that would be used")
    browser.set_defaults(do=_browser)
    browser.add_argument("--install", action="store_true", help="get one where none is found")
    return parser


def _browser(given: argparse.Namespace) -> int:
    sys.stdout.write(f"{locate(install=given.install)}\n")
    return 0


def _check(given: argparse.Namespace) -> int:
    problems = [line for path in given.files for line in _checked(path)]
    _say("\n".join(problems) or "Nothing is wrong.")
    return 1 if problems else 0


def _checked(path: Path) -> list[str]:
    try:
        return [f"{path}:{item.line}: {item.path}: {item.message}" for item in problems_in_file(path)]
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise UsageError(msg) from error


def _schema(given: argparse.Namespace) -> int:
    if given.reference is None:
        _say(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    else:
        given.reference.write_text(
            with_reference(given.reference.read_text(encoding="utf-8")), encoding="utf-8"
        )
    return 0


def _run(given: argparse.Namespace) -> int:
    automation = _automation(given.automation)
    params = dict(_param(item) for item in given.param)
    spec = AttemptSpec(
        automation=automation,
        params=params,
        files=_files(automation, params),
        secrets=_secrets(given.secret),
        evidence=EvidenceLevel(given.evidence) if given.evidence else None,
        address_policy=AddressPolicy(allowed=tuple(given.allow), setting_name="--allow"),
    )
    recorder = FolderRecorder(given.out, _say)
    host = BrowserHost(locate(given.browser), headless=not given.headed)
    try:
        result = run_attempt(spec, recorder, host)
    finally:
        host.close()
    recorder.finish(result)
    _say(_last_line(result, given.out))
    return 0 if result.outcome is Outcome.SUCCEEDED else 1


def _last_line(result: AttemptResult, out: Path) -> str:
    if result.failure is not None:
        return f"{result.outcome} ({result.failure.kind}): {result.failure.message} Evidence: {out}"
    return f"{result.outcome} in {result.steps} steps. Evidence: {out}"


def _automation(name: str) -> type[Automation]:
    if Path(name).suffix in SUFFIXES:
        return _flow(Path(name))
    module_name, _, class_name = name.partition(":")
    if not (module_name and class_name):
        msg = f"{name!r} names no automation; write module:Class, or the path of a flow document."
        raise UsageError(msg)
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        msg = f"{name} cannot be loaded: {error}."
        raise UsageError(msg) from error
    if not (isinstance(found, type) and issubclass(found, Automation)):
        msg = f"{name} is not a subclass of webgraph.flow.Automation."
        raise UsageError(msg)
    return found


def _flow(path: Path) -> type[Automation]:
    try:
        return automation_in_file(path)
    except FlowDocumentError as error:
        msg = f"{path} cannot be run:\n{error}"
        raise UsageError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise UsageError(msg) from error


def _param(item: str) -> tuple[str, Any]:
    """A param as its schema will read it: a text, or a list or object written as JSON."""
    name, separator, value = item.partition("=")
    if not (name and separator):
        msg = f"--param {item!r} must be NAME=VALUE."
        raise UsageError(msg)
    if not value.startswith(("[", "{")):
        return name, value
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        msg = f"--param {name}: not valid JSON: {error}."
        raise UsageError(msg) from error


def _files(automation: type[Automation], params: Mapping[str, Any]) -> dict[str, InputSource]:
    """The files the params name: here a file is known under its path."""
    found: dict[str, InputSource] = {}
    for name, path in named_files(automation.Params.model_json_schema(), params):
        if not Path(path).is_file():
            msg = f"--param {name}: there is no file {path}."
            raise UsageError(msg)
        found[path] = LocalFile(Path(path))
    return found


def _secrets(items: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for item in items:
        path, _, variable = item.partition("=")
        credential, _, name = path.rpartition(".")
        if not (credential and name and variable):
            msg = f"--secret {item!r} must be CREDENTIAL.FIELD=VARIABLE."
            raise UsageError(msg)
        value = os.environ.get(variable)  # noqa: TID251 - a command line's own input, named by its user
        if not value:
            msg = f"--secret {path}: the environment variable {variable} is not set."
            raise UsageError(msg)
        found.setdefault(credential, {})[name] = value
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
