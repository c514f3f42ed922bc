"""Mails as people read them, as text and as HTML, from templates/mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.template.loader import render_to_string

from infra_shared.alert_words import MARKS, times_of, told_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra_shared.models import Alert

PICTURE_PLACE = "<!-- picture -->"
"""Where the picture goes in the HTML of a mail; known only when it is sent. No text can forge it: texts are escaped."""
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Bodies:
    """The two forms of one mail."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a digest."""

    title: str
    url: str


def alert_mail(alert: Alert, purpose: str, page_url: str, *, with_picture: bool) -> Bodies:
    """The mail that tells of an alert, reminds of it, or says that it is over."""
    is_over = purpose == "recovered"
    return _rendered(
        "alert",
        {
            "alert": alert,
            "mark": MARKS[purpose] or alert.severity,
            "is_over": is_over,
            "told": told_of(alert, purpose),
            "times": times_of(alert),
            "advice": "" if is_over else alert.advice,
            "page_url": page_url,
            "picture_place": PICTURE_PLACE if with_picture else "",
        },
    )


def digest_mail(lines: Sequence[Line], all_url: str) -> Bodies:
    """The mail that stands for so many messages."""
    shown = lines[:MOST_LINES]
    facts = {"count": len(lines), "lines": shown, "more": len(lines) - len(shown), "all_url": all_url}
    return _rendered("digest", facts)


def plain_mail(text: str) -> Bodies:
    """The mail that says one sentence."""
    return _rendered("plain", {"text": text})


def with_picture(html: str, *, content_id: str) -> str:
    """The HTML with the attached picture in its place; without an id the place is left empty."""
    picture = render_to_string("mail/picture.html", {"content_id": content_id}) if content_id else ""
    return html.replace(PICTURE_PLACE, picture, 1)


def _rendered(name: str, facts: dict[str, object]) -> Bodies:
    text = render_to_string(f"mail/{name}.txt", facts)
    return Bodies(text.strip() + "\n", render_to_string(f"mail/{name}.html", facts))
