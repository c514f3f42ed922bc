"""What a command line names: an automation, its params, files and secrets."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webgraph.documents.compiling import automation_from
from webgraph.documents.files import flow_in_file
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.shared import SUFFIXES
from webgraph.flow import Automation
from webgraph.inputs import LocalFile, named_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webgraph.documents.reading import Flow
    from webgraph.inputs import InputSource


class UsageError(Exception):
    """The command line does not say what to do; the message says what to change."""


def automation_named(name: str) -> tuple[type[Automation], Flow | None]:
    """The automation a command line names as module:Class or as a document's path, and the document it is made of."""
    if Path(name).suffix in SUFFIXES:
        flow = _flow(Path(name))
        return automation_from(flow), flow
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
    return found, None


def _flow(path: Path) -> Flow:
    try:
        return flow_in_file(path)
    except FlowDocumentError as error:
        msg = f"{path} cannot be run:\n{error}"
        raise UsageError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise UsageError(msg) from error


def param(item: str) -> tuple[str, Any]:
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


def files(automation: type[Automation], params: Mapping[str, Any]) -> dict[str, InputSource]:
    """The files the params name: here a file is known under its path."""
    found: dict[str, InputSource] = {}
    for name, path in named_files(automation.Params.model_json_schema(), params):
        if not Path(path).is_file():
            msg = f"--param {name}: there is no file {path}."
            raise UsageError(msg)
        found[path] = LocalFile(Path(path))
    return found


def secrets(items: Sequence[str]) -> dict[str, dict[str, str]]:
    """The credentials whose fields are taken from environment variables."""
    found: dict[str, dict[str, str]] = {}
    for item in items:
        path, _, source = item.partition("=")
        credential, _, name = path.rpartition(".")
        if not (credential and name and source):
            msg = f"--secret {item!r} must be CREDENTIAL.FIELD=VARIABLE."
            raise UsageError(msg)
        found.setdefault(credential, {})[name] = variable(source, asked_by=f"--secret {path}")
    return found


def variable(name: str, *, asked_by: str) -> str:
    """The value of an environment variable a command line names, for what must not stand in a command line."""
    value = os.environ.get(name)  # noqa: TID251 - a command line's own input, named by its user
    if not value:
        msg = f"{asked_by}: the environment variable {name} is not set."
        raise UsageError(msg)
    return value


def say(line: str) -> None:
    """Write one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
