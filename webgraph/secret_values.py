"""Params that nobody may see: their type, and where a params schema says that one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from infra_shared.redaction import MASK, Redactor
from webgraph.inputs import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INNER_PARTS = ("items", "additionalProperties", "prefixItems")


class Secret(SecretStr):
    """A text a run was given that nobody may see: the type of a param, such as `pin: Secret`.

    It shows itself as •••, and `reveal()` gives the text; `page.fill` takes it as it is. In JSON Schema it is a text
    with `writeOnly`. It stands at the top of Params, alone or with `| None`, and has no default. A param of pydantic's
    own type SecretStr is handled in the same way.
    """

    def reveal(self) -> str:
        """The plain text."""
        return self.get_secret_value()

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK


def secret_names(schema: Mapping[str, Any]) -> frozenset[str]:
    """The names of the params that are secret, by the JSON Schema of all of them."""
    properties = schema.get("properties", {})
    return frozenset(name for name, spec in properties.items() if _is_secret(spec, schema))


def secrets_given(schema: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[str]:
    """What was given for secret params, as texts; before anybody checked that it fits."""
    for name in secret_names(schema) & params.keys():
        value = params[name]
        if value is not None:
            yield value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def hiding(schema: Mapping[str, Any], params: Mapping[str, Any]) -> Redactor:
    """Takes what was given for secret params out of texts, such as what a check says of other params."""
    return Redactor(secrets_given(schema, params))


def secrets_in(value: Any) -> Iterator[str]:
    """Every secret text in a model, however deep."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)


def problems_of_secrets(schema: Mapping[str, Any]) -> list[str]:
    """What keeps secret params from being kept as such, each as a sentence: they are texts at the top, without a default."""
    found = []
    for name, spec in schema.get("properties", {}).items():
        if _is_secret(spec, schema):
            if any(part.get("type", "string") not in ("string", "null") for part in parts_of(spec, schema)):
                found.append(f"The secret param {name!r} is no text; let it be a `Secret`.")
            if spec.get("default") is not None:
                found.append(
                    f"The secret param {name!r} has a default, which everybody can read; leave it out."
                )
        elif _holds_secret(spec, schema, set()):
            found.append(
                f"The param {name!r} has a secret inside; let each secret be a param of its own, of the type `Secret`."
            )
    return found


def has_secrets(schema: Mapping[str, Any]) -> bool:
    """Whether anything a schema describes is a secret."""
    return any(_holds_secret(spec, schema, set()) for spec in schema.get("properties", {}).values())


def _is_secret(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    return any(part.get("writeOnly") for part in parts_of(spec, schema))


def _holds_secret(spec: Any, schema: Mapping[str, Any], seen: set[int]) -> bool:
    if isinstance(spec, list):
        return any(_holds_secret(item, schema, seen) for item in spec)
    if not isinstance(spec, dict) or id(spec) in seen:
        return False
    seen.add(id(spec))
    for part in parts_of(spec, schema):
        if part.get("writeOnly"):
            return True
        inner = [part[key] for key in _INNER_PARTS if key in part]
        inner += part.get("properties", {}).values()
        if any(_holds_secret(item, schema, seen) for item in inner):
            return True
    return False
