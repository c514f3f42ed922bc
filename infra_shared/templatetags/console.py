"""How the console writes times, durations, states and JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

register = template.Library()
NOTHING = "\N{EN DASH}"
_SPELT = {"api": "API", "url": "URL", "id": "ID", "csv": "CSV"}
_MANY = 10
_ENDINGS = frozenset({"remove", "delete", "end", "revoke", "refuse", "drain", "cancel"})
_TONES = {
    "succeeded": "good",
    "fired": "good",
    "alive": "good",
    "ticking": "good",
    "active": "good",
    "stored": "good",
    "failed": "bad",
    "timed_out": "bad",
    "expired": "bad",
    "lost": "bad",
    "refused": "bad",
    "revoked": "bad",
    "gone": "bad",
    "silent": "bad",
    "running": "busy",
    "cancelling": "busy",
    "waiting_input": "person",
    "missed": "person",
    "retry_wait": "wait",
    "queued": "wait",
    "scheduled": "wait",
    "waiting_slot": "wait",
    "waiting": "wait",
    "paused": "wait",
    "draining": "wait",
    "open": "bad",
    "acknowledged": "busy",
    "muted": "wait",
    "over": "good",
    "kept": "good",
    "signing_in": "busy",
    "locked": "bad",
    "not_cacheable": "person",
}


@register.simple_tag
def when(moment: datetime | None, *, empty: str = NOTHING) -> SafeString | str:
    """A moment in the operator's zone, as short as today allows; the full time with its zone on hover."""
    if moment is None:
        return empty
    local = timezone.localtime(moment)
    today = timezone.localtime(timezone.now())
    if local.date() == today.date():
        short = f"{local:%H:%M:%S}"
    elif local.year == today.year:
        short = f"{local.day} {local:%b %H:%M}"
    else:
        short = f"{local.day} {local:%b %Y}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        f"{local:%A, %d %B %Y, %H:%M:%S %Z}",
        short,
    )


@register.simple_tag
def zone_name() -> str:
    """The name of the zone in which this page shows times."""
    return timezone.get_current_timezone_name()


@register.filter
def span(value: timedelta | float | None) -> str:
    """A length of time in words: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 4 d 3 h."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, or how far ahead, a moment is."""
    if moment is None:
        return NOTHING
    passed = timezone.now() - moment
    return f"in {_roughly(-passed)}" if passed < timedelta(0) else f"{_roughly(passed)} ago"


def _roughly(value: timedelta) -> str:
    """A length of time without the part that nobody reads: 32 min and 10 s are 32 min, 5 min 10 s stay so."""
    count, unit, *rest = span(value).split()
    return f"{count} {unit}" if rest and int(count) >= _MANY else " ".join([count, unit, *rest])


@register.simple_tag
def pill(state: str, label: str = "") -> SafeString:
    """A state as a coloured word."""
    tone = _TONES.get(str(state), "plain")
    return format_html(
        '<span class="c-pill c-pill-{}">{}</span>', tone, label or str(state).replace("_", " ")
    )


@register.filter
def milliseconds(value: float | None) -> str:
    """Milliseconds as such while they are few, and as a length of time from a second on."""
    if value is None:
        return NOTHING
    return f"{value:.0f} ms" if value < 1000 else span(value / 1000)


@register.filter
def person(actor: str) -> str:
    """Who did something, as colleagues say it: an operator by name, all else as the audit log writes it."""
    return actor.removeprefix("operator:")


@register.filter
def is_ending(url: str) -> bool:
    """Whether the button of this address ends or removes something, which no page offers first."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] in _ENDINGS


@register.filter
def pretty_json(value: Any) -> str:
    """A JSON value over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False, default=str)


@register.filter
def words(name: str) -> str:
    """A name of a field or kind as words: issued_on → Issued on, api_key → API key."""
    parts = str(name).replace("_", " ").replace("-", " ").split()
    text = " ".join(_SPELT.get(part.lower(), part) for part in parts)
    return text[:1].upper() + text[1:]
