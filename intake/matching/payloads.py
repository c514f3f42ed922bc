"""An event's body as a JSON value, within bounds: whoever sent it wrote every byte of it."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from intake.errors import PayloadUnreadableError

MAX_BYTES = 2_000_000
"""Larger bodies are stored, and no trigger looks into them: a parsed body takes twenty times its size in memory."""
MAX_DEPTH = 64
_MAX_FORM_FIELDS = 1000
_FORM = "application/x-www-form-urlencoded"


def read_payload(body: bytes, content_type: str) -> Any:
    """The body as a JSON value: None when it is empty, an object of its fields when it is a form.

    A form whose one field is `payload` is read as the JSON in it, as GitHub and Slack send it. PayloadUnreadableError
    says why a body cannot be read.
    """
    if len(body) > MAX_BYTES:
        raise PayloadUnreadableError(
            f"The body has {len(body)} bytes; triggers look into bodies of up to {MAX_BYTES}."
        )
    if not body.strip():
        return None
    if content_type.partition(";")[0].strip().lower() == _FORM:
        return _form(body)
    return _json(body)


def _form(body: bytes) -> Any:
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError as error:  # a UnicodeDecodeError is one too
        raise PayloadUnreadableError(f"The body is no form: {error}.") from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    if list(fields) == ["payload"] and len(fields["payload"]) == 1:
        return _json(fields["payload"][0].encode())
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # not UTF-8, not JSON, or a number of more digits than Python reads
        raise PayloadUnreadableError(f"The body is no JSON: {error}.") from error
    _check_depth(value)
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> PayloadUnreadableError:
    return PayloadUnreadableError(f"The body is nested deeper than {MAX_DEPTH} levels.")
