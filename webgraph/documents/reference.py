"""The reference of flow documents, made from their schema, so that it cannot say anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webgraph.browser import profile
from webgraph.documents import conditions, fields, parts, schema, steps
from webgraph.documents.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

BEGIN = "<!-- generated from the schema: python -m webgraph schema --reference docs/flows.md -->"
END = "<!-- end of what is generated -->"

_CHAPTERS: list[tuple[str, list[type[BaseModel]]]] = [
    (
        "The document",
        [
            schema.FlowDocument,
            schema.SharedDocument,
            schema.Stage,
            schema.Include,
            schema.Options,
            schema.Session,
            schema.SessionProbe,
        ],
    ),
    (
        "The browser profile",
        [
            profile.BrowserProfile,
            profile.Viewport,
            profile.ProxyServer,
            profile.HttpBasic,
            profile.ClientCertificate,
        ],
    ),
    ("Targets", [parts.TargetData]),
    ("Steps", list(steps.STEPS.values())),
    (
        "Parts of steps",
        [steps.Expectation, steps.Pages, steps.UploadFile, steps.GivenFile, fields.AnswerField],
    ),
    (
        "Conditions for `then` and `wait_for`",
        [
            conditions.Appears,
            conditions.Disappears,
            conditions.Reads,
            conditions.Url,
            conditions.Requested,
            conditions.Downloads,
            conditions.Expression,
            parts.Matches,
        ],
    ),
    ("Conditions for `when`", [conditions.Visible, conditions.Hidden, conditions.Compared]),
    ("Params and result", [fields.ParamField, fields.ResultField, fields.ItemField]),
]
_COMMON = ("when", "timeout_seconds")


class NoPlaceError(Exception):
    """The page has no place for the reference."""


def with_reference(page: str) -> str:
    """A page with the generated part between its two marks made anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        msg = f"The page needs the lines {BEGIN} and {END}."
        raise NoPlaceError(msg)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def reference() -> str:
    """The reference in Markdown."""
    definitions = json_schema()["$defs"]
    blocks: list[str] = []
    for title, models in _CHAPTERS:
        blocks.append(f"## {title}")
        if title == "Steps":
            blocks.append(
                "Each step may also say `when` (a condition) and `timeout_seconds`; what is needed is in bold."
            )
        for model in models:
            blocks += _section(model, definitions[model.__name__])
    return "\n\n".join(blocks) + "\n"


def _section(model: type[BaseModel], definition: dict[str, Any]) -> list[str]:
    words = " ".join(definition.get("description", "").split())
    is_step = issubclass(model, steps.Step)
    rows = list(_rows(definition, leave_out=_COMMON if is_step else ()))
    table = "\n".join(["| Key | Value | Meaning |", "|---|---|---|", *rows])
    return [f"### {_heading(model)}", words, table]


def _heading(model: type[BaseModel]) -> str:
    plain: dict[type[BaseModel], str] = {
        schema.FlowDocument: "A flow",
        schema.SharedDocument: "A shared document",
        schema.Stage: "A stage",
        schema.Include: "An include",
        schema.Options: "`options`",
        schema.Session: "`session`",
        schema.SessionProbe: "`probe`",
        parts.TargetData: "A target",
        profile.BrowserProfile: "`profile`",
        profile.Viewport: "`viewport`",
        profile.ProxyServer: "`proxy`",
        profile.HttpBasic: "`http_basic`",
        profile.ClientCertificate: "`client_certificate`",
        steps.Expectation: "What `expect` holds",
        steps.Pages: "`pages`",
        steps.UploadFile: "An entry of `files`: made",
        steps.GivenFile: "An entry of `files`: given",
        conditions.Compared: "`value`",
        parts.Matches: "`matches`",
        fields.ParamField: "An entry of `params`",
        fields.ResultField: "An entry of `result`",
        fields.ItemField: "An entry of `items`",
        fields.AnswerField: "An entry of `answer`",
    }
    plain |= {kind: f"`{name}`" for name, kind in steps.STEPS.items()}
    return plain.get(model) or f"`{next(iter(model.model_fields))}`"


def _rows(definition: dict[str, Any], *, leave_out: tuple[str, ...]) -> Iterator[str]:
    required = set(definition.get("required", ()))
    specs = definition["properties"]
    for name in sorted(specs, key=lambda name: name not in required):
        spec = specs[name]
        if name not in leave_out:
            shown = f"**`{name}`**" if name in required else f"`{name}`"
            yield f"| {shown} | {_value(spec)} | {_meaning(spec)} |"


def _meaning(spec: dict[str, Any]) -> str:
    words = " ".join(str(spec.get("description", "")).split())
    default = spec.get("default")
    if default not in (None, "", [], {}) and not isinstance(default, dict):
        word = str(default).lower() if isinstance(default, bool) else default
        words = f"{words} Default: `{word}`.".strip()
    return words.replace("|", "\\|")


def _value(spec: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "const" in spec:
        return f"`{spec['const']}`"
    if "enum" in spec:
        return ", ".join(f"`{item}`" for item in spec["enum"])
    if "$ref" in spec:
        return _referred(spec["$ref"])
    options = spec.get("oneOf") or spec.get("anyOf")
    if options:
        return " or ".join(dict.fromkeys(_value(option) for option in options))
    return _plain_value(spec)


def _plain_value(spec: dict[str, Any]) -> str:
    kind = spec.get("type")
    if kind == "array":
        return f"list of {_value(spec.get('items', {}))}"
    if kind == "object":
        inner = [*spec.get("patternProperties", {}).values(), spec.get("additionalProperties")]
        return next((f"name to {_value(item)}" for item in inner if isinstance(item, dict)), "mapping")
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words.get(str(kind), "any value")


_WORDS = {
    "TargetName": "name of a target",
    "TargetData": "target",
    "Effect": "`read`, `idempotent` or `commit`",
    "EvidenceLevel": "`off`, `default` or `full`",
    "FailureKind": "failure kind",
    "BrowserProfile": "profile",
    "ProxyServer": "proxy",
    "HttpBasic": "sign-in",
    "ClientCertificate": "certificate",
    "ParamField": "param",
    "ResultField": "result field",
    "ItemField": "item",
    "AnswerField": "answer field",
    "Matches": "`matches`",
    "UploadFile": "file",
    "GivenFile": "file",
}
_KINDS = [
    ({model.__name__ for model in steps.STEPS.values()}, "step"),
    ({"Appears", "Disappears", "Reads", "Url", "Requested", "Downloads", "Expression"}, "condition"),
    ({"Visible", "Hidden", "Compared"}, "condition"),
]


def _referred(ref: str) -> str:
    name = ref.rpartition("/")[2]
    kind = next((words for names, words in _KINDS if name in names), None)
    return kind or _WORDS.get(name, name.lower())
