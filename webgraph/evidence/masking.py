"""Blacks out the places of a picture where a secret can be read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from webgraph.quiet import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from webgraph.surface import Surface

_PADDING = 3.0
_FRAMES = frozenset({"IFRAME", "FRAME", "OBJECT", "EMBED"})


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
class Layout:
    """Where text was on the page when one snapshot was taken."""

    snapshot: dict[str, Any]
    viewport_width: float

    @classmethod
    async def take(cls, surface: Surface) -> Layout:
        """Ask the browser for all texts and form values with their places."""
        page, session = surface.page, surface.session
        snapshot = await command(page, session, "DOMSnapshot.captureSnapshot", {"computedStyles": []})
        metrics = await command(page, session, "Page.getLayoutMetrics")
        return cls(snapshot, float(metrics["cssVisualViewport"]["clientWidth"]) or 1.0)


def black_out(
    picture: bytes, layouts: Sequence[Layout], secrets: Sequence[str], holds: Callable[[str], bool]
) -> bytes:
    """The picture with every place covered that shows a secret in any of the layouts.

    The layouts are taken before and after the picture, so that what moved meanwhile is covered where it was and where
    it is. A frame whose content the browser did not tell is covered whole.
    """
    boxes = {box for layout in layouts for box in secret_boxes(layout.snapshot, secrets, holds)}
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


def secret_boxes(snapshot: dict[str, Any], secrets: Sequence[str], holds: Callable[[str], bool]) -> set[Box]:
    """The rectangles, in the viewport, of everything in a DOM snapshot that shows a secret."""
    strings: list[str] = snapshot["strings"]
    documents = snapshot["documents"]
    origins = dict(_origins(documents))
    found: set[Box] = set()
    for number, document in enumerate(documents):
        x, y = origins.get(number, (0.0, 0.0))
        for box in _document_boxes(document, strings, secrets, holds):
            found.add(box.moved(x, y))
    return found


def _document_boxes(
    document: dict[str, Any],
    strings: list[str],
    secrets: Sequence[str],
    holds: Callable[[str], bool],
) -> Iterator[Box]:
    nodes, layout = document["nodes"], document["layout"]
    values = _rare(nodes.get("inputValue")) | _rare(nodes.get("textValue"))
    known_frames = set(nodes.get("contentDocumentIndex", {}).get("index", ()))
    texts = [strings[index] if index >= 0 else "" for index in layout["text"]]
    across = _spanned(texts, secrets)
    for row, node in enumerate(layout["nodeIndex"]):
        value = strings[values[node]] if node in values else ""
        opaque = strings[nodes["nodeName"][node]].upper() in _FRAMES and node not in known_frames
        if opaque or row in across or holds(texts[row]) or holds(value):
            yield Box(*layout["bounds"][row])


def _spanned(texts: list[str], secrets: Sequence[str]) -> set[int]:
    """The rows over which a secret stretches, also when markup cuts it into several texts."""
    starts, whole, at = [], "".join(texts), 0
    for text in texts:
        starts.append(at)
        at += len(text)
    rows: set[int] = set()
    for secret in secrets:
        found = whole.find(secret)
        while found >= 0:
            end = found + len(secret)
            rows.update(
                row
                for row, (start, text) in enumerate(zip(starts, texts, strict=True))
                if start < end and found < start + len(text)
            )
            found = whole.find(secret, found + 1)
    return rows


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
