"""Everything the page of a source shows, read once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Sum
from django.utils import timezone

from infra_shared.templatetags.console import span, when
from intake.admin import wording
from intake.admin.source_words import PROVIDER_MAKES_SECRET
from intake.models import DeadLetter, Event, IntakeLedger, Scheme, SourceSecret
from intake.services.addresses import worker_url

if TYPE_CHECKING:
    from datetime import datetime

    from intake.models import Source

EVENTS_SHOWN = 8
SECRETS_SHOWN = 10
DAYS = 7
_COUNTED = ("received", "stored", "duplicate", "rejected")


def facts_of(source: Source) -> list[tuple[str, Any]]:
    """What was said of the source, as name and value."""
    options = [f"{name.replace('_', ' ')}: {value}" for name, value in source.options.items()]
    return [
        ("Customer", source.customer),
        ("Scheme", "; ".join([source.get_scheme_display(), *options])),
        ("Type of an event", _type_in_words(source)),
        ("The same delivery", _key_in_words(source)),
        ("Oldest signature", span(source.tolerance_seconds)),
        ("Takes it from", ", ".join(source.ip_allow) or "anywhere"),
        ("Content types", ", ".join(source.content_types) or "any"),
        ("At once", source.get_rate_display()),
        ("Largest body", f"{source.max_bytes:,} bytes".replace(",", "\N{NARROW NO-BREAK SPACE}")),
        ("Made", when(source.created_at)),
    ]


def read_source_page(source: Source) -> dict[str, Any]:
    """What the source's page reads from the database."""
    now = timezone.now()
    events = Event.objects.filter(source=source).newest_first().prefetch_related("matches")
    since = (now - timedelta(days=DAYS - 1)).date()
    sums = IntakeLedger.objects.filter(slug=source.slug, day__gte=since).aggregate(
        **{name: Sum(name, default=0) for name in _COUNTED}
    )
    return {
        "address": _address(source),
        "secrets": [_secret(row, now) for row in source.secrets.defer("secret")[:SECRETS_SHOWN]],
        "triggers": source.triggers.present().select_related("automation"),
        "events": [_event(row) for row in events[:EVENTS_SHOWN]],
        "sums": sums,
        "days": DAYS,
        "letters": DeadLetter.objects.open().filter(source=source).count(),
        "is_told": source.synced_at is not None,
        "provider_makes_secret": source.scheme in PROVIDER_MAKES_SECRET,
    }


def _address(source: Source) -> str:
    """Where its webhooks go; empty where no Worker is known."""
    base = worker_url()
    return f"{base}/hooks/{source.slug}" if base else ""


def _secret(row: SourceSecret, now: datetime) -> dict[str, Any]:
    ended = row.valid_until is not None and row.valid_until <= now
    return {
        "row": row,
        "ended": ended,
        "state": "ended" if ended else "ends" if row.valid_until else "in use",
    }


def _event(event: Event) -> dict[str, Any]:
    matches = [match for match in event.matches.all() if match.replay == event.replay]
    return {
        "event": event,
        "pill": wording.event_pill(event),
        "headline": wording.headline(event, matches),
        "sentence": wording.sentence(event, matches),
    }


def _type_in_words(source: Source) -> str:
    if source.type_header:
        return f"in the header {source.type_header}"
    if source.type_path:
        return f"in the body at {source.type_path}"
    known = source.scheme in (Scheme.STANDARD, Scheme.GITHUB, Scheme.STRIPE, Scheme.SLACK, Scheme.SHOPIFY)
    return f"where {source.get_scheme_display()} puts it" if known else "none is said"


def _key_in_words(source: Source) -> str:
    window = span(source.window_seconds)
    if source.key_header:
        return f"has the same {source.key_header}; without it, the same body within {window}"
    return f"has the sender's same id; without one, the same body within {window}"
