"""Money as integer cents, and the one spelling the site uses for it."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(?P<units>\d{1,9}|\d{1,3}(,\d{3}){1,2})(\.(?P<cents>\d{1,2}))?")


def format_cents(cents: int) -> str:
    """An amount as people read it: 123456 becomes "1,234.56"."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units:,}.{rest:02d}"


def parse_cents(text: str) -> int | None:
    """The cents of a typed amount such as "1,234.5"; None where it is not an amount."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    cents = (found["cents"] or "0").ljust(2, "0")
    return int(found["units"].replace(",", "")) * 100 + int(cents)
