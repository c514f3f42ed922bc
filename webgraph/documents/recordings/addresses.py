"""Recorded addresses: the site's own origin becomes a param, and what was reached becomes a condition."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

BASE = "{{ params.base_url }}"


def is_web(url: str | None) -> bool:
    """Whether a browser without a person could open it."""
    try:
        parts = urlsplit(url or "")
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port; a name and password in it are left out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def holds_sign_in(url: str) -> bool:
    """Whether a name and password stand in the address itself."""
    return "@" in urlsplit(url).netloc


def written(url: str, base: str | None) -> str:
    """The address as a document writes it: relative to the base if it is there, braces encoded."""
    parts = urlsplit(url)
    rest = (
        urlunsplit(("", "", parts.path, parts.query, parts.fragment)).replace("{", "%7B").replace("}", "%7D")
    )
    origin = origin_of(url)
    return f"{BASE if origin == base else origin}{rest or '/'}"


def reached(url: str, base: str | None) -> str:
    """What an address reached by a step surely contains: its path up to the first part with a digit.

    What has digits is mostly a number of one thing (`/invoices/INV-1201`), which another run will not meet.
    """
    parts = urlsplit(url)
    kept: list[str] = []
    for segment in parts.path.split("/"):
        if any(letter.isdigit() for letter in segment):
            kept.append("")
            break
        kept.append(segment)
    return written(urlunsplit((parts.scheme, parts.netloc, "/".join(kept), "", "")), base)
