"""Noting what the edge gave up on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import structlog
from django.db import transaction
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from infra_shared.api.input import Text
from infra_shared.moments import Moment
from infra_shared.scrubbing import scrub_text
from intake.models import MAX_BODY_BYTES, MAX_KEY_LENGTH, DeadLetter, Event, Source
from intake.services.messages import complaint_in_words, read_items

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_REASON_LENGTH = 500
_REPLACED = (
    "reason",
    "edge_attempts",
    "redrives",
    "dead_at",
    "noted_at",
    "delivered_at",
)
_log = structlog.get_logger(__name__)


def _short(reason: str) -> str:
    return scrub_text(reason)[:_REASON_LENGTH]


class Letter(BaseModel):
    """One dead letter as the edge tells of it; its body stays there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    source: Text = Field(max_length=63)
    key: Text = Field(max_length=MAX_KEY_LENGTH)
    received_at: Moment
    dead_at: Moment
    edge_attempts: int = Field(ge=0, le=1_000_000)
    size: int = Field(ge=0, le=MAX_BODY_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    content_type: Text = Field("", max_length=255)
    scheme: Text = Field(max_length=20)
    reason: Annotated[Text, AfterValidator(_short)] = ""
    redrives: int = Field(0, ge=0, le=1_000_000)


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of one notice: `problem` says why it could not be kept, "" when it was."""

    id: str
    problem: str = ""


def note_dead_letters(*, content: bytes, now: datetime) -> list[Noted]:
    """Keep a notice of each letter and return what became of each, in their order.

    A letter that was redriven and died again is open again; one whose event was stored meanwhile is not.
    BatchMalformedError when the whole cannot be read.
    """
    noted: list[Noted] = []
    letters: dict[UUID, Letter] = {}
    for item in read_items(content, "letters"):
        try:
            letter = Letter.model_validate(item)
        except ValidationError as error:
            noted.append(Noted(_id_of(item), complaint_in_words(error)))
        else:
            letters[letter.id] = letter
            noted.append(Noted(str(letter.id)))
    if letters:
        _write(list(letters.values()), now)
    _log.warning("dead_letters_noted", letters=len(letters), unreadable=len(noted) - len(letters))
    return noted


@transaction.atomic
def _write(letters: Sequence[Letter], now: datetime) -> None:
    slugs = {letter.source for letter in letters}
    sources = {source.slug: source for source in Source.objects.filter(slug__in=slugs)}
    ids = [letter.id for letter in letters]
    stored = set(Event.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
    rows = [
        DeadLetter(
            message_id=letter.id,
            slug=letter.source,
            source=sources.get(letter.source),
            delivered_at=now if letter.id in stored else None,
            noted_at=now,
            size_bytes=letter.size,
            **letter.model_dump(exclude={"id", "source", "size"}),
        )
        for letter in sorted(letters, key=lambda letter: letter.id)
    ]
    DeadLetter.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["message_id"], update_fields=_REPLACED
    )


def _id_of(item: Any) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found[:100] if isinstance(found, str) else ""
