"""Looking for a word in everything that was kept, in whatever form, without the code that takes it out."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARIES = {
    "long": "canary-Zq7xk9-Wm3vT5",
    "short": "Zq7k4x",
    "odd": "cänary &<\"'/+Zq7\\é",
}
_TAG = re.compile(r"<[^>]*>")
_ROLE = re.compile(r"\n\s*- \w+:? ?")


def forms(word: str) -> dict[str, bytes]:
    """How the word may be written, by name."""
    raw = word.encode()
    escaped = html.escape(word)
    written = {
        "plain": word,
        "address": quote(word),
        "whole address": quote(word, safe=""),
        "form": quote_plus(word),
        "address in small letters": quote(word, safe="").lower(),
        "json": json.dumps(word)[1:-1],
        "json twice": json.dumps(json.dumps(word))[3:-3],
        "json of letters": json.dumps(word, ensure_ascii=False)[1:-1],
        "html": escaped,
        "html by numbers": word.translate({ord(c): f"&#{ord(c)};" for c in "&<>\"'"}),
        "html as the browser writes it": html.escape(word, quote=False),
    }
    found = {name: text.encode() for name, text in written.items()}
    for before, undecided in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + raw)[undecided : (before + len(raw)) * 8 // 6]
        found[f"base64 after {before}"] = whole
    return found


def hits(name: str, body: bytes, word: str) -> list[str]:
    """Where and in which form the word stands in a file, members of archives included."""
    found = []
    for where, layer in _layers(name, body):
        found += [f"{where}: {form}" for form, written in forms(word).items() if written in layer]
    return found


def _layers(name: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, body
    yield f"{name} (its name)", name.encode()
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.namelist():
                yield from _layers(f"{name}/{member}", archive.read(member))
    elif body.startswith(b"\x1f\x8b"):
        yield from _layers(f"{name}/gzip", gzip.decompress(body))
    elif name.endswith((".html", ".yaml")):
        text = body.decode()
        yield f"{name} (shown)", (_TAG if name.endswith(".html") else _ROLE).sub("", text).encode()
    elif name.endswith(".trace"):
        for line in body.splitlines():
            event = json.loads(line)
            if event["type"] == "frame-snapshot":
                yield f"{name} (shown)", "".join(_texts(event["snapshot"]["html"])).encode()


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list) and node and isinstance(node[0], str):
        for child in node[2:]:
            yield from _texts(child)


def is_read_in(texts: list[str], word: str) -> bool:
    """Whether what was read in a picture holds a good part of the word: five letters or digits in a row."""
    known = "".join(c for c in word.lower() if c.isascii() and c.isalnum())
    read = "".join(c for c in "".join(texts).lower() if c.isascii() and c.isalnum())
    return any(known[at : at + 5] in read for at in range(len(known) - 4))
