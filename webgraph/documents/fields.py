"""Params and results as declared in a document, and the pydantic types they become."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model
from pydantic import BaseModel as Model

from webgraph.documents.parts import Name, Part, Text
from webgraph.files import InputFile
from webgraph.flow import NoData
from webgraph.secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "integer", "number", "boolean", "url", "date", "list", "object"]


class Declared(Part):
    """What params and results both may say of a value."""

    title: str = ""
    description: str = ""
    optional: bool = Field(default=False, description="Whether it may be missing (null).")
    enum: list[str | int | float] | None = Field(default=None, min_length=1, description="The only values.")
    min: float | None = Field(default=None, description="Smallest number.")
    max: float | None = Field(default=None, description="Largest number.")
    min_length: int | None = Field(default=None, ge=0, description="Fewest characters, or entries of a list.")
    max_length: int | None = Field(default=None, ge=0, description="Most characters, or entries of a list.")
    pattern: str | None = Field(
        default=None, description="A regular expression that must be found in the text."
    )


class ParamField(Declared):
    """One param: what a run wants to know. Without `default` it must be given."""

    type: Literal["text", "integer", "number", "boolean", "url", "date", "list", "file", "secret"] = Field(
        default="text",
        description="`list` is a list of texts; `date` is written 2026-11-30; `file` is a file for an `upload`; a "
        "`secret` is typed in anew for each run, kept encrypted until the run's end and shown to nobody.",
    )
    default: Any = Field(default=None, description="Its value when none is given.")


class ItemField(Declared):
    """One field of a record: which column it comes from, and how what was read becomes a value."""

    type: Literal["text", "integer", "number", "boolean", "url", "date"] = "text"
    from_: str | None = Field(
        default=None,
        alias="from",
        description="The column heading or field it is read from; its own name if left out.",
    )
    pick: str | None = Field(
        default=None, description="A regular expression; its first group (or the whole match) is the value."
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description="The decimal mark of a number; other separators are left out."
    )
    written: str | None = Field(
        default=None, description="How a date is written, such as `%d %b %Y` for 14 Nov 2026."
    )


class ResultField(Declared):
    """One field of the result."""

    type: Kind = "text"
    value: Text = Field(description="What it is, such as `{{ state.rows }}`.")
    items: dict[Name, ItemField] | None = Field(
        default=None, description="For `list` and `object`: the fields of each record."
    )
    pick: str | None = Field(default=None, description="As in `items`.")
    decimal: Literal[".", ","] | None = Field(default=None, description="As in `items`.")
    written: str | None = Field(default=None, description="As in `items`.")


class AnswerField(Declared):
    """One field of an answer to `ask`. Without `default` it must be given."""

    type: Literal["text", "integer", "number", "boolean", "url", "date", "secret"] = Field(
        default="text",
        description="A `secret`, such as a one-time code, is kept encrypted until it was used, and shown to nobody.",
    )
    default: Any = Field(default=None, description="Its value when none is given.")


AnyField = ParamField | ItemField | ResultField | AnswerField


def params_model(params: dict[str, ParamField]) -> type[Model]:
    """The model of the params; the schema of its own that the console's form and the API read."""
    return _given_model("Params", "What to do it with.", params) if params else NoData


def answer_model(answer: Mapping[str, AnswerField]) -> type[Model]:
    """The model of an answer; the schema of its own that the form on the run's page and the API read."""
    return _given_model("Answer", "What a person answered.", answer)


def _given_model(title: str, words: str, given: Mapping[str, ParamField | AnswerField]) -> type[Model]:
    fields: dict[str, Any] = {}
    for name, spec in given.items():
        facts: dict[str, Any] = {"title": spec.title or _words(name), "description": spec.description or None}
        if "default" in spec.model_fields_set or spec.optional:
            facts["default"] = spec.default
            facts["validate_default"] = True
        fields[name] = (type_of(spec), Field(**facts))
    return create_model(title, __config__={"extra": "forbid"}, __doc__=words, **fields)


def result_model(result: dict[str, ResultField]) -> type[Model]:
    """The model of the result, which decides whether what was read counts."""
    if not result:
        return NoData
    fields: dict[str, Any] = {name: _result_field(name, spec) for name, spec in result.items()}
    return create_model("Result", __doc__="What came of it.", **fields)


def type_of(spec: AnyField) -> Any:
    """The annotated Python type of a declared field."""
    kind: Any = _PLAIN[spec.type] if spec.enum is None else Literal[tuple(spec.enum)]
    limits = {
        "ge": spec.min,
        "le": spec.max,
        "min_length": spec.min_length,
        "max_length": spec.max_length,
        "pattern": spec.pattern,
    }
    given: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    if given and spec.enum is None:
        kind = Annotated[kind, Field(**given)]
    return kind | None if spec.optional else kind


def problems_of(spec: AnyField) -> list[tuple[str, str]]:
    """What does not fit together in one declaration: key and message."""
    found = []
    for key in ("pattern", "pick"):
        expression = getattr(spec, key, None)
        if expression is not None and (reason := regex_problem(expression)):
            found.append((key, reason))
    numeric = spec.type in ("integer", "number")
    if not numeric:
        found += [(key, f"It counts for numbers, not for {spec.type}.") for key in ("min", "max", "decimal")]
    if spec.type not in ("text", "url", "list", "secret"):
        found += [(key, f"It counts for texts and lists, not for {spec.type}.") for key in _LENGTHS]
    if spec.type not in ("text", "url"):
        found.append(("pattern", f"It counts for texts, not for {spec.type}."))
    if spec.type != "date":
        found.append(("written", f"It counts for dates, not for {spec.type}."))
    return [(key, reason) for key, reason in found if getattr(spec, key, None) is not None]


def regex_problem(expression: str) -> str:
    """Why a text is no regular expression; empty when it is one."""
    try:
        re.compile(expression)
    except re.error as error:
        return f"This is no regular expression: {error}."
    return ""


def picked(expression: str, value: str) -> str | None:
    """The first group of the first match, or the whole match; None when there is none."""
    match = re.search(expression, value)
    if match is None:
        return None
    return match[1] if match.re.groups else match[0]


def _result_field(name: str, spec: ResultField) -> tuple[Any, Any]:
    kind: Any
    if spec.type == "list":
        record: Any = list.__class_getitem__(_record(name, spec.items))
        kind = Annotated[record, Field(**_lengths(spec))]
    elif spec.type == "object":
        kind = _record(name, spec.items)
    else:
        kind = _converted(spec)
    if spec.optional and spec.type in ("list", "object"):
        kind = kind | None
    return kind, Field(title=spec.title or _words(name), description=spec.description or None)


def _record(name: str, items: dict[str, ItemField] | None) -> Any:
    if items is None:
        return Any
    fields: dict[str, Any] = {
        key: (_converted(item), Field(title=item.title or _words(key), description=item.description or None))
        for key, item in items.items()
    }
    return create_model(f"{name.title().replace('_', '')}Record", **fields)


def _converted(spec: ItemField | ResultField) -> Any:
    def convert(value: Any) -> Any:
        return _value(spec, value) if isinstance(value, str) else value

    return Annotated[type_of(spec), BeforeValidator(convert)]


def _value(spec: ItemField | ResultField, text: str) -> Any:
    """What a text that was read means; the type then judges it."""
    if spec.pick is not None:
        found = picked(spec.pick, text)
        if found is None:
            if spec.optional:
                return None
            msg = f"{text!r} does not match {spec.pick}"
            raise ValueError(msg)
        text = found
    if not text and spec.optional:
        return None
    if spec.decimal is not None:
        other = "," if spec.decimal == "." else "."
        return re.sub(rf"[\s'\u2019{other}]", "", text).replace(spec.decimal, ".")
    if spec.written is not None:
        return datetime.strptime(text, spec.written).date()  # noqa: DTZ007 - a day has no zone
    return text


def _lengths(spec: ResultField) -> dict[str, Any]:
    given = {"min_length": spec.min_length, "max_length": spec.max_length}
    return {name: value for name, value in given.items() if value is not None}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = "this is no web address that begins with http:// or https://"
        raise ValueError(msg)
    # "http://host/" and "http://host" are the same; without it `{{ params.base_url }}/path` is right for both.
    return value.removesuffix("/") if parts.path == "/" and not parts.query else value


_LENGTHS = ("min_length", "max_length")
_PLAIN: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "secret": Secret,
    "url": Annotated[str, AfterValidator(_web_address), WithJsonSchema({"type": "string", "format": "uri"})],
    "date": date,
    "list": list[str],
    "object": dict[str, Any],
    "file": InputFile,
}
