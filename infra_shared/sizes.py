"""Lengths of stored bytes as people read them."""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def in_words(size_bytes: float) -> str:
    """Such as "41.3 GB": in powers of a thousand, as disks and buckets are sold, with three figures."""
    size, unit = float(size_bytes), 0
    while abs(size) >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{size:.0f} byte" + ("" if round(size) == 1 else "s")
    digits = 0 if abs(size) >= 99.95 else 1 if abs(size) >= 9.995 else 2
    return f"{size:.{digits}f} {_UNITS[unit]}"
