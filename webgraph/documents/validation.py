"""A document's data against its models: what does not fit, in the words and at the line of its author."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from webgraph.browser import profile
from webgraph.documents import conditions, fields, parts, schema, steps
from webgraph.documents.problems import FlowDocumentError, FlowProblem
from webgraph.documents.source import paths_of

if TYPE_CHECKING:
    from webgraph.documents.source import Source

Model = TypeVar("Model", bound=BaseModel)


def validated(source: Source, model: type[Model]) -> Model:
    """The document as its model; FlowDocumentError lists everything that does not fit."""
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        raise FlowDocumentError([_problem(source, entry) for entry in entries]) from error


def _problem(source: Source, entry: Any) -> FlowProblem:
    path = paths_of(entry["loc"], source.data)
    kind = entry["type"]
    if kind == "extra_forbidden":
        return source.problem(path, _unknown_key(str(path[-1])))
    if kind == "missing":
        return source.problem(path[:-1], f"The key {path[-1]!r} is missing.")
    if kind == "no_known_key":
        return source.problem(path, _no_known_key(entry))
    if kind == "model_type" and isinstance(entry["input"], int | float | bool | list | None):
        return source.problem(path, "This must be a mapping, with a key on each line.")
    message = str(entry["msg"]).removeprefix("Value error, ")
    if kind == "string_type" and isinstance(entry["input"], int | float):
        message += "; put it in quotes"
    if kind == "string_pattern_mismatch":
        message = _NAMES.get(entry["ctx"]["pattern"], message)
    return source.problem(path, f"{message[:1].upper()}{message[1:]}.")


def _unknown_key(name: str) -> str:
    close = [] if name in _VOCABULARY else get_close_matches(name, _VOCABULARY, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no key {name!r} here.{hint}"


def _no_known_key(entry: Any) -> str:
    given = entry["input"]
    if not isinstance(given, dict):
        return f"This must be a mapping: {entry['msg']}."
    words = str(entry["msg"])
    fitting = words.rpartition(" keys ")[2].split(
        ", "
    )  # another word of the vocabulary would be as wrong as what stands there
    hints = (get_close_matches(str(name), fitting, n=1) for name in given if name not in _VOCABULARY)
    close = next((hint[0] for hint in hints if hint), "")
    message = f"{words[:1].upper()}{words[1:]}."
    return f"{message} Did you mean {close!r}?" if close else message


def _vocabulary() -> list[str]:
    models = [
        item
        for module in (profile, conditions, fields, parts, schema, steps)
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, BaseModel)
    ]
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


_VOCABULARY = _vocabulary()
_NAMES = {
    parts.NAME: "A name is written in lower-case letters, digits and underscores, and begins with a letter",
    parts.KEY: "A key is written in lower-case words joined by hyphens",
}
