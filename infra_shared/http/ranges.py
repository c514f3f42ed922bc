"""The Range header of RFC 9110, section 14, as far as one range of bytes goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)", re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The range lies outside the content: answer 416."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `start`, `length` bytes."""

    start: int
    length: int

    def content_range(self, size_bytes: int) -> str:
        """The Content-Range header's value for a content of this size."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size_bytes}"


def parse_range(header: str, size_bytes: int) -> ByteRange | None:
    """The range a header asks for, or None when the whole content is to be sent.

    None for an empty header and for what the specification lets a server ignore: other units, malformed values and
    several ranges at once. Raises UnsatisfiableRangeError for a range that begins behind the end.
    """
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size_bytes)
        if length == 0:
            raise UnsatisfiableRangeError(header)
        return ByteRange(size_bytes - length, length)
    start = int(found[1])
    last = min(int(found[2]), size_bytes - 1) if found[2] else size_bytes - 1
    if found[2] and int(found[2]) < start:
        return None  # malformed, so it is ignored
    if start >= size_bytes:
        raise UnsatisfiableRangeError(header)
    return ByteRange(start, last - start + 1)
