"""Blacks out the places of a picture where a secret can be read, or may be drawn."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from PIL import Image, ImageDraw

from infra_shared.redaction import WHOLE_TOKEN_BELOW
from webgraph.quiet import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from webgraph.evidence.media import CoveredMedia
    from webgraph.surface import Surface

_PADDING = 3.0
_FRAMES = frozenset({"IFRAME", "FRAME", "OBJECT", "EMBED"})
_MEDIA = frozenset({"CANVAS", "VIDEO", "IMG", "IMAGE", "PICTURE"})
# A background of these is that of the whole page: covered, nothing would be left to see.
_WHOLE_PAGE = frozenset({"HTML", "BODY", "#DOCUMENT"})
# Each may draw a picture by its address; `content` does so for what a sheet puts before and after an element. The last one
# is handed down from a list to all that is in it, and drawn by markers alone.
_PAINTING_STYLES = ("background-image", "content", "border-image-source", "mask-image", "list-style-image")
_MARKER = "::MARKER"
_ADDRESS_IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]*)""")
_ADDRESS_ATTRIBUTES = frozenset({"src", "srcset", "poster", "href", "xlink:href"})


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in CSS pixels of the viewport."""

    left: float
    top: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Box:
        """The same rectangle elsewhere."""
        return Box(self.left + x, self.top + y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What no picture may show: texts that hold a secret, and the pictures of sites that know one."""

    secrets: Sequence[str]
    holds: Callable[[str], bool]
    media: CoveredMedia


@dataclass(frozen=True, slots=True)
class Layout:
    """Where text was on the page when one snapshot was taken."""

    snapshot: dict[str, Any]
    viewport_width: float

    @classmethod
    async def take(cls, surface: Surface) -> Layout:
        """Ask the browser for all texts and form values with their places."""
        page, session = surface.page, surface.session
        snapshot = await command(
            page, session, "DOMSnapshot.captureSnapshot", {"computedStyles": _PAINTING_STYLES}
        )
        metrics = await command(page, session, "Page.getLayoutMetrics")
        return cls(snapshot, float(metrics["cssVisualViewport"]["clientWidth"]) or 1.0)


def black_out(picture: bytes, layouts: Sequence[Layout], hidden: Hidden) -> bytes:
    """The picture with every place covered that shows what is hidden in any of the layouts.

    The layouts are taken before and after the picture, so that what moved meanwhile is covered where it was and where
    it is. A frame whose content the browser did not tell is covered whole.
    """
    boxes = {box for layout in layouts for box in secret_boxes(layout.snapshot, hidden)}
    if not boxes:
        return picture
    image = Image.open(io.BytesIO(picture))
    kind = image.format or "PNG"
    scale = image.width / layouts[-1].viewport_width
    covered = image.convert("RGB")
    draw = ImageDraw.Draw(covered)
    for box in boxes:
        left, top = (box.left - _PADDING) * scale, (box.top - _PADDING) * scale
        right = (box.left + box.width + _PADDING) * scale
        bottom = (box.top + box.height + _PADDING) * scale
        draw.rectangle((left, top, right, bottom), fill="black")
    out = io.BytesIO()
    covered.save(out, format=kind, quality=75)
    return out.getvalue()


def secret_boxes(snapshot: dict[str, Any], hidden: Hidden) -> set[Box]:
    """The rectangles, in the viewport, of everything in a DOM snapshot that is to be hidden."""
    documents = snapshot["documents"]
    origins = dict(_origins(documents))
    found: set[Box] = set()
    for number, document in enumerate(documents):
        x, y = origins.get(number, (0.0, 0.0))
        for box in _document_boxes(document, snapshot["strings"], hidden):
            found.add(box.moved(x, y))
    return found


def _document_boxes(document: dict[str, Any], strings: list[str], hidden: Hidden) -> Iterator[Box]:
    nodes, layout = document["nodes"], document["layout"]
    values = _rare(nodes.get("inputValue")) | _rare(nodes.get("textValue"))
    known_frames = set(nodes.get("contentDocumentIndex", {}).get("index", ()))
    texts = [strings[index] if index >= 0 else "" for index in layout["text"]]
    across = _spanned(texts, hidden.secrets)
    painted = _Painted(document, strings, hidden.media)
    for row, node in enumerate(layout["nodeIndex"]):
        value = strings[values[node]] if node in values else ""
        name = strings[nodes["nodeName"][node]].upper()
        opaque = name in _FRAMES and node not in known_frames
        covered = painted.is_covered(node, name, layout["styles"][row])
        if opaque or covered or row in across or hidden.holds(texts[row]) or hidden.holds(value):
            yield Box(*layout["bounds"][row])


class _Painted:
    """Which elements of one document draw a picture that may show a secret.

    All that draw one in a document of a site that knows a secret; elsewhere those whose picture comes from such a site.
    """

    def __init__(self, document: dict[str, Any], strings: list[str], media: CoveredMedia) -> None:
        self._nodes = document["nodes"]
        self._strings = strings
        self._media = media
        self._base = strings[document.get("baseURL", document["documentURL"])]
        self._everything = media.covers(strings[document["documentURL"]])
        self._chosen = _rare(self._nodes.get("currentSourceURL"))
        self._sources = self._sources_of_parents() if media else {}

    def is_covered(self, node: int, name: str, styles: list[int]) -> bool:
        """Whether an element is to be covered, its background included."""
        if not self._media:
            return False
        painting = styles if name == _MARKER else styles[:-1]
        styled = [self._strings[index] for index in painting if index >= 0 and name not in _WHOLE_PAGE]
        if self._everything:
            return self._is_media(node, name) or any("url(" in words for words in styled)
        addresses = [found for words in styled for found in _ADDRESS_IN_STYLE.findall(words)]
        if self._is_media(node, name):
            addresses += [self._strings[self._chosen[node]]] if node in self._chosen else []
            addresses += [*self._addresses(node), *self._sources.get(node, ())]
        return any(self._media.covers_file(_joined(self._base, address)) for address in addresses)

    def _is_media(self, node: int, name: str) -> bool:
        return name in _MEDIA or (
            name == "INPUT" and "image" in self._attributes(node).get("type", "").lower()
        )

    def _attributes(self, node: int) -> dict[str, str]:
        listed = [self._strings[index] for index in self._nodes["attributes"][node]]
        return dict(zip(listed[::2], listed[1::2], strict=True))

    def _addresses(self, node: int) -> Iterator[str]:
        for name, value in self._attributes(node).items():
            if name in _ADDRESS_ATTRIBUTES:
                # In a srcset several stand, each with its size; which one is shown is not told for every element.
                yield from (part.split()[0] for part in value.split(", ") if part.split())

    def _sources_of_parents(self) -> dict[int, list[str]]:
        """What the `source` elements of a video or picture name, under the element they are part of."""
        found: dict[int, list[str]] = {}
        for node, parent in enumerate(self._nodes["parentIndex"]):
            if self._strings[self._nodes["nodeName"][node]].upper() == "SOURCE":
                found.setdefault(parent, []).extend(self._addresses(node))
        return found


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address  # no address at all, so nothing is shown by it


def _spanned(texts: list[str], secrets: Sequence[str]) -> set[int]:
    """The rows over which a secret stretches, also when markup cuts it into several texts.

    Whatever the case: a page may show in capitals what was typed in small letters.
    """
    shown = [text.lower() for text in texts]
    starts, whole, at = [], "".join(shown), 0
    for text in shown:
        starts.append(at)
        at += len(text)
    rows: set[int] = set()
    for secret in secrets:
        for found, end in _places(secret.lower(), whole):
            rows.update(
                row
                for row, (start, text) in enumerate(zip(starts, shown, strict=True))
                if start < end and found < start + len(text)
            )
    return rows


def _places(secret: str, whole: str) -> Iterator[tuple[int, int]]:
    """Where the secret begins and ends in the text; a short one only where it stands alone.

    Spaces and ends of lines count as one space, for that is how a page shows them.
    """
    words = re.compile(r"\s+".join(map(re.escape, secret.split())))
    found = words.search(whole) if words.pattern else None
    while found is not None:
        begin, end = found.span()
        alone = not (whole[begin - 1 : begin].isalnum() or whole[end : end + 1].isalnum())
        if alone or len(secret) >= WHOLE_TOKEN_BELOW:
            yield begin, end
        found = words.search(whole, begin + 1)


def _origins(documents: list[dict[str, Any]]) -> Iterator[tuple[int, tuple[float, float]]]:
    """Where each document's own coordinates begin in the viewport: its frame's place less its scrolling."""
    owners: dict[int, tuple[int, int]] = {}
    for parent, document in enumerate(documents):
        inner = document["nodes"].get("contentDocumentIndex", {"index": (), "value": ()})
        for node, child in zip(inner["index"], inner["value"], strict=True):
            owners[child] = (parent, node)
    done: dict[int, tuple[float, float]] = {}
    for number, document in enumerate(documents):
        x, y = 0.0, 0.0
        if number in owners:
            parent, node = owners[number]
            rows = documents[parent]["layout"]["nodeIndex"]
            if node not in rows:
                continue  # a frame that is not drawn
            left, top = documents[parent]["layout"]["bounds"][rows.index(node)][:2]
            px, py = done.get(parent, (0.0, 0.0))
            x, y = px + left, py + top
        x -= document.get("scrollOffsetX", 0.0)
        y -= document.get("scrollOffsetY", 0.0)
        done[number] = (x, y)
        yield number, (x, y)


def _rare(table: dict[str, Any] | None) -> dict[int, int]:
    if table is None:
        return {}
    return dict(zip(table["index"], table["value"], strict=True))
