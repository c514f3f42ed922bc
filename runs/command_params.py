"""Params as words on a command line, `name=value`, turned into the types their schema asks for."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automations.models import Customer
from automations.services.files import Sender, keep_file
from infra_shared.nouns import ACTOR, pairs
from runs.errors import UnknownCustomerError
from webgraph.commands.loading import UsageError
from webgraph.commands.secret_words import secret_values
from webgraph.secret_values import secret_names

if TYPE_CHECKING:
    from collections.abc import Iterable


def typed_params(schema: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The params; a value is read as JSON unless its schema wants text. ValueError names a word that is no pair."""
    properties = schema.get("properties", {})
    return {name: _typed(properties.get(name, {}), value) for name, value in pairs(words).items()}


def open_params(schema: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """As `typed_params`; ValueError for a secret param, which does not belong in a command line."""
    params = typed_params(schema, words)
    for name in sorted(secret_names(schema) & params.keys()):
        msg = f"--param {name}: it is a secret, which the shell's history would keep; use --secret-param {name}."
        raise ValueError(msg)
    return params


def secrets_asked_for(words: Iterable[str], *, option: str) -> dict[str, str]:
    """The secrets of words such as `pin` (asked for at the terminal) or `pin=@env:PIN`; ValueError says what is wrong."""
    try:
        return secret_values(words, option=option)
    except UsageError as error:
        raise ValueError(str(error)) from error


def kept_files(schema: dict[str, Any], words: Iterable[str], customer: str) -> dict[str, Any]:
    """The params of words `name=path`: each file is kept for the customer and named by its id.

    A list where the schema asks for one. Raises OSError for a file that cannot be read, and what `keep_file` raises.
    """
    properties = schema.get("properties", {})
    found: dict[str, Any] = {}
    for word in words:
        ((name, path),) = pairs([word]).items()
        kept = _kept(Path(path), customer)
        if properties.get(name, {}).get("type") == "array":
            found.setdefault(name, []).append(kept)
        else:
            found[name] = kept
    return found


def _kept(path: Path, customer: str) -> str:
    owner = Customer.objects.filter(key=customer).first()
    if owner is None:
        raise UnknownCustomerError(f"There is no customer {customer!r}.")
    content_type = mimetypes.guess_type(path.name)[0] or ""
    sender = Sender(actor=ACTOR)
    kept = keep_file(customer=owner, source=path, name=path.name, content_type=content_type, sender=sender)
    return str(kept.file.pk)


def _typed(schema: dict[str, Any], value: str) -> Any:
    if schema.get("type") == "string":
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
