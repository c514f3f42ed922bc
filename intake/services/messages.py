"""What the edge sends in a batch, read and checked: one bad message is that message's verdict, no more."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from infra_shared.api.input import Text
from infra_shared.moments import Moment
from intake.errors import BatchMalformedError
from intake.models import MAX_BODY_BYTES, MAX_KEY_LENGTH, KeyKind, Scheme

VERSION = 1
MAX_MESSAGES = 100
_MAX_HEADERS = 500
_MAX_HEADER_LENGTH = 131_072
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
"""The edge strips what identifies a sender; these are never kept, whatever it does."""

HeaderText = Annotated[Text, Field(max_length=_MAX_HEADER_LENGTH)]


def _without_credentials(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs if name.lower() not in _CREDENTIALS]


class Message(BaseModel):
    """One delivery as the edge forwards it; fields to come are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    source: Text = Field(max_length=63)
    key: Text = Field(min_length=1, max_length=MAX_KEY_LENGTH)
    key_kind: KeyKind
    received_at: Moment
    content_type: Text = Field("", max_length=255)
    headers: Annotated[
        list[tuple[HeaderText, HeaderText]],
        Field(max_length=_MAX_HEADERS),
        AfterValidator(_without_credentials),
    ] = []
    query: Text = Field("", max_length=_MAX_HEADER_LENGTH)
    size: int = Field(ge=0, le=MAX_BODY_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scheme: Scheme
    edge_attempts: int = Field(1, ge=1, le=1_000_000)
    secret: str = Field("", max_length=64)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that can be stored, and the bytes of its body."""

    message: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that cannot be stored. `source` is what it names, where that could be read."""

    id: str
    source: str
    reason: str


def read_batch(content: bytes) -> list[Delivery | Unreadable]:
    """The messages of a batch, in their order; BatchMalformedError when it is none, or holds too many."""
    messages = _messages(content, "messages")
    return [_read(item) for item in messages]


def read_items(content: bytes, name: str) -> list[Any]:
    """The JSON objects in the list `name` of a request of the edge; BatchMalformedError when there is none."""
    return _messages(content, name)


def complaint_in_words(error: ValidationError) -> str:
    """What pydantic found wrong, without the values."""
    found = ("{}: {}".format(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors())
    return "; ".join(found)[:500]


def _messages(content: bytes, name: str) -> list[Any]:
    try:
        batch = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BatchMalformedError("The request is no JSON.") from error
    if not isinstance(batch, dict) or batch.get("v") != VERSION:
        raise BatchMalformedError(f"The request must be an object with v = {VERSION}.")
    items = batch.get(name)
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_MESSAGES:
        raise BatchMalformedError(f"{name} must be a list of 1 to {MAX_MESSAGES}.")
    return items


def _read(item: Any) -> Delivery | Unreadable:
    if not isinstance(item, dict):
        return Unreadable("", "", "The message is no object.")
    name, source = _named(item, "id"), _named(item, "source")
    try:
        message = Message.model_validate(item)
    except ValidationError as error:
        return Unreadable(name, source, complaint_in_words(error))
    try:
        body = base64.b64decode(item.get("body", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        return Unreadable(name, source, "body: It is no base64.")
    if len(body) != message.size:
        return Unreadable(name, source, f"body: It has {len(body)} bytes where size says {message.size}.")
    if hashlib.sha256(body).hexdigest() != message.sha256:
        return Unreadable(name, source, "body: Its SHA-256 is not what the message says.")
    return Delivery(message, body)


def _named(item: dict[str, Any], field: str) -> str:
    value = item.get(field)
    return value[:100] if isinstance(value, str) else ""
