"""A form made from the JSON Schema of an automation's params, and back to a params object.

Understands what pydantic writes: strings with formats, numbers with bounds, booleans, enums, references to $defs, and
"or null". Arrays, objects and unions are entered as JSON. A field left empty is left out, so that the schema's default
applies; where null is allowed and there is no default, it is null.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms

from automations.forms.files import KEEPS, ParamFileField
from infra_shared.blobs.protocol import BlobStorageError
from webgraph.files import FORMAT
from webgraph.inputs import wants_files
from webgraph.secret_values import secret_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automations.errors import FieldProblem
    from automations.models import Customer

PREFIX = "params"
_LONG_TEXT = 200
_LEFT_OUT = object()
_STORE_AWAY = "The file could not be kept. Try again in a few minutes, or tell whoever runs this server:"
_AGAIN = "It is not kept after a run: type it in again."


class ParamsForm(forms.Form):
    """The params of one version. `values` prefills it, such as with those of an earlier run."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        data: Any = None,
        *,
        files: Any = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, prefix=PREFIX)
        self._specs = {name: resolved(spec, schema) for name, spec in schema.get("properties", {}).items()}
        required = set(schema.get("required", ()))
        for name, spec in self._specs.items():
            given = (values or {}).get(name, spec.get("default"))
            again = _is_secret(spec) and given is not None
            self.fields[name] = _field(
                name, spec, is_required=again or (name in required and not spec.get("nullable"))
            )
            if again:
                self.fields[name].help_text = f"{self.fields[name].help_text} {_AGAIN}".strip()
            self.fields[name].initial = _shown(given, spec)
            if given and isinstance(self.fields[name], ParamFileField):
                self.fields[name].help_text = f"{self.fields[name].help_text} {KEEPS}".strip()

    def keep_files(self, *, customer: Customer, actor: str) -> bool:
        """Keep the files of a valid form for the customer; call it before `params`, which names them by their ids.

        False when the store does not take one now: the form says so beside the file, and is to be shown again.
        """
        for name, field in self.fields.items():
            if isinstance(field, ParamFileField):
                try:
                    kept = field.kept(self.cleaned_data[name], customer=customer, actor=actor)
                except BlobStorageError as error:
                    self.add_error(name, f"{_STORE_AWAY} {error.reason}")
                    return False
                self.cleaned_data[name] = kept
        return True

    def params(self) -> dict[str, Any]:
        """The params object of a valid form."""
        found = {name: _value(self.cleaned_data[name], spec) for name, spec in self._specs.items()}
        return {name: value for name, value in found.items() if value is not _LEFT_OUT}

    def show_problems(self, problems: Iterable[FieldProblem]) -> None:
        """Put what the server found wrong beside the fields it is about."""
        for problem in problems:
            first, _, rest = problem.field.removeprefix(f"{PREFIX}.").partition(".")
            message = f"{rest}: {problem.message}" if rest else problem.message
            known = first in self.fields
            self.add_error(first if known else None, message if known else f"{first}: {message}".lstrip(": "))


def resolved(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """One property's schema with its reference followed and "or null" turned into `nullable`."""
    found = dict(spec)
    while "$ref" in found:
        target = schema.get("$defs", {})[found.pop("$ref").rsplit("/", 1)[-1]]
        found = {**target, **found}
    options = found.get("anyOf")
    if options:
        real = [option for option in options if option.get("type") != "null"]
        if len(real) == 1:
            found.pop("anyOf")
            found = {**resolved(real[0], schema), **found}
        found["nullable"] = len(real) < len(options)
    return found


def without_secrets(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without its secret params, for what asks for none."""
    secret = secret_names(schema)
    kept = {name: spec for name, spec in schema.get("properties", {}).items() if name not in secret}
    return {**schema, "properties": kept}


def titles_of(schema: Mapping[str, Any]) -> dict[str, str]:
    """The titles a schema gives its properties, by name."""
    specs = {name: resolved(spec, schema) for name, spec in schema.get("properties", {}).items()}
    return {name: spec.get("title", "") for name, spec in specs.items()}


def kind_in_words(spec: Mapping[str, Any]) -> str:
    """What may be entered, for people: "text", "whole number", "one of a, b"."""
    if "enum" in spec:
        return "one of " + ", ".join(str(item) for item in spec["enum"])
    if "const" in spec:
        return f"always {spec['const']}"
    formats = {
        FORMAT: "file",
        "uri": "web address",
        "date": "date",
        "date-time": "date and time",
        "email": "e-mail address",
        "password": "secret",
    }
    kinds = {
        "string": formats.get(str(spec.get("format")), "text"),
        "integer": "whole number",
        "number": "number",
        "boolean": "yes or no",
        "array": "list",
        "object": "object",
    }
    return kinds.get(str(spec.get("type")), "JSON")


def _field(name: str, spec: Mapping[str, Any], *, is_required: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": spec.get("title") or name.replace("_", " ").capitalize(),
        "help_text": spec.get("description", ""),
        "required": is_required,
    }
    if wants_files(spec, {}):
        return ParamFileField(several=spec.get("type") == "array", **common)
    if "enum" in spec:
        choices = [(json.dumps(item), str(item)) for item in spec["enum"]]
        blank = [] if "default" in spec or common["required"] else [("", "\N{EN DASH}")]
        return forms.ChoiceField(choices=blank + choices, **common)
    kind = spec.get("type")
    if kind == "boolean":
        if spec.get("nullable"):
            return forms.NullBooleanField(**common)
        return forms.BooleanField(**common | {"required": False})
    if kind in ("integer", "number"):
        bounds: dict[str, Any] = {"min_value": spec.get("minimum"), "max_value": spec.get("maximum")}
        return (
            forms.IntegerField(**common, **bounds)
            if kind == "integer"
            else forms.FloatField(**common, **bounds)
        )
    return _text_field(spec, common) if kind == "string" else _json_field(spec, common)


def _text_field(spec: Mapping[str, Any], common: dict[str, Any]) -> forms.Field:
    """A string's field. Formats choose the input; whether a value fits is the schema's word alone."""
    lengths: dict[str, Any] = {"min_length": spec.get("minLength"), "max_length": spec.get("maxLength")}
    types = {"uri": "url", "date": "date", "email": "email"}
    if _is_secret(spec):
        # Such an input is never given back what was typed into it.
        hidden = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        return forms.CharField(**common, **lengths, strip=False, widget=hidden)
    if spec.get("format") == "date-time":
        common["help_text"] = f"{common['help_text']} Such as 2026-11-22T06:30:00+01:00.".strip()
    if (spec.get("maxLength") or 0) > _LONG_TEXT and "format" not in spec:
        return forms.CharField(**common, **lengths, widget=forms.Textarea(attrs={"rows": 4}))
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    widget.input_type = types.get(str(spec.get("format")), "text")
    # The browser's own idea of an address is narrower than some schemas: the server's answer is the one that counts.
    return forms.CharField(**common, **lengths, widget=widget)


def _json_field(spec: Mapping[str, Any], common: dict[str, Any]) -> forms.Field:
    example = {"array": '["a", "b"]', "object": '{"name": "value"}'}.get(
        str(spec.get("type")), "any JSON value"
    )
    common["help_text"] = f"{common['help_text']} As JSON, such as {example}.".strip()
    return forms.JSONField(
        **common, widget=forms.Textarea(attrs={"rows": 4, "class": "c-code", "spellcheck": "false"})
    )


def _shown(value: Any, spec: Mapping[str, Any]) -> Any:
    """A value as its field takes it."""
    if _is_secret(spec):
        return None
    if "enum" in spec:
        return "" if value is None else json.dumps(value)
    return value


def _is_secret(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("writeOnly")) or spec.get("format") == "password"


def _value(entered: Any, spec: Mapping[str, Any]) -> Any:
    """What was entered, as the params hold it; _LEFT_OUT for an empty field whose default applies."""
    if spec.get("type") == "boolean":
        return _LEFT_OUT if entered is None and "default" in spec else entered
    if entered in (None, ""):
        return None if spec.get("nullable") and spec.get("default") is None else _LEFT_OUT
    return json.loads(entered) if "enum" in spec else entered
