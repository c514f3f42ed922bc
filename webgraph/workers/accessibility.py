"""The browser's accessibility trees of a page: one for each frame, read in document order."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError

from webgraph.fingerprint import normal_role
from webgraph.quiet import command, quietly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import CDPSession, ElementHandle, Frame, Page

_LANDMARKS = frozenset(
    {
        "navigation",
        "main",
        "banner",
        "contentinfo",
        "complementary",
        "form",
        "dialog",
        "region",
        "search",
        "alertdialog",
    }
)
_NAMED_ONLY = frozenset({"form", "region"})
_NOT_THINGS = frozenset({"StaticText", "InlineTextBox", "none", "generic", "RootWebArea", ""})
_DRAWN = "ListMarker"  # a list's own dot or number: no text of the document, so that no fingerprint holds it
_AROUND = 3
_LONGEST = 60
_DEEPEST = 500  # a page may nest without end; what lies deeper is not looked at
# The page keeps the element under a name of ours for the moment it takes to pick it up there.
_LAY_OUT = "function(key) { this.ownerDocument.defaultView[Symbol.for(key)] = this; }"
_PICK_UP = "key => { const at = Symbol.for(key); const found = window[at] ?? null; delete window[at]; return found; }"


@dataclass(slots=True)
class Node:
    """One thing of a tree: what it is, what it is called, and where it stands."""

    role: str
    name: str
    enabled: bool
    landmarks: tuple[str, ...]
    href: str
    backend_id: int
    session: CDPSession
    texts_before: tuple[str, ...] = ()
    texts_after: list[str] = field(default_factory=list)

    def sight(self) -> dict[str, Any]:
        """What a fingerprint can be compared with; only what this representation tells."""
        sight: dict[str, Any] = {
            "role": self.role,
            "name": self.name,
            "landmark": self.landmarks[-1] if self.landmarks else "",
            "before": list(self.texts_before),
            "after": self.texts_after,
        }
        return sight | ({"href": self.href} if self.href else {})


class AccessibilityTrees:
    """Reads the trees of a page's frames; the debugging sessions it needs end with the block."""

    def __init__(self, page: Page, frames: list[Frame]) -> None:
        self._page = page
        self._frames = frames
        self._sessions: list[CDPSession] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, page: Page, frame: str | None) -> AsyncIterator[AccessibilityTrees]:
        """The trees of all frames of a page, or of the one frame a CSS selector names."""
        trees = cls(page, await _frames(page, frame))
        try:
            yield trees
        finally:
            for session in trees._sessions:
                with suppress(PlaywrightError):  # its page may be gone, and the session with it
                    await session.detach()

    async def read(self) -> list[Node]:
        """Everything with a role, in document order, frame by frame."""
        found: list[Node] = []
        for session, frame_id in await self._places():
            with suppress(PlaywrightError):  # a frame that went away meanwhile has nothing to show
                answer = await command(
                    self._page,
                    session,
                    "Accessibility.getFullAXTree",
                    {"frameId": frame_id} if frame_id else {},
                )
                found += _things(answer["nodes"], session)
        return found

    async def element(self, node: Node) -> ElementHandle | None:
        """A handle on a node's element; None when it is gone."""
        key = secrets.token_hex(16)
        try:
            resolved = await command(
                self._page, node.session, "DOM.resolveNode", {"backendNodeId": node.backend_id}
            )
            call = {
                "objectId": resolved["object"]["objectId"],
                "functionDeclaration": _LAY_OUT,
                "arguments": [{"value": key}],
            }
            await command(self._page, node.session, "Runtime.callFunctionOn", call)
            for frame in self._frames:
                handle = await quietly(self._page, partial(frame.evaluate_handle, _PICK_UP, key))
                element: ElementHandle | None = handle.as_element()
                if element is not None:
                    return element
        except PlaywrightError:
            return None
        return None

    async def _places(self) -> list[tuple[CDPSession, str]]:
        """A session and a frame id for each frame: frames in a process of their own have a session of their own."""
        for session in self._sessions:
            with suppress(PlaywrightError):
                await session.detach()
        self._sessions = []
        places: list[tuple[CDPSession, str]] = []
        wanted = {(frame.url, frame.name) for frame in self._frames}
        inner = [frame for frame in self._frames if frame is not self._page.main_frame]
        owners: list[Page | Frame] = [self._page, *inner]
        for owner in owners:
            try:
                session = await quietly(self._page, partial(self._page.context.new_cdp_session, owner))
            except PlaywrightError:
                continue  # it lives in its parent's session
            self._sessions.append(session)
            tree = (await command(self._page, session, "Page.getFrameTree"))["frameTree"]
            places += [
                (session, frame["id"])
                for frame in _in_tree(tree)
                if (frame["url"] + frame.get("urlFragment", ""), frame.get("name", "")) in wanted
            ]
        return places


async def _frames(page: Page, selector: str | None) -> list[Frame]:
    if selector is None:
        return list(page.frames)
    with suppress(PlaywrightError):
        handle = await quietly(page, lambda: page.query_selector(selector))
        inner = await handle.content_frame() if handle is not None else None
        return [inner] if inner is not None else []
    return []


def _in_tree(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree["frame"]
    for child in tree.get("childFrames", ()):
        yield from _in_tree(child)


def _things(raw: list[dict[str, Any]], session: CDPSession) -> list[Node]:
    """The nodes of one tree in document order, each with the texts around it."""
    reading = _Reading(raw, session)
    for root in [node for node in raw if node.get("parentId") not in reading.by_id]:
        reading.visit(root, (), 0)
    return reading.found


class _Reading:
    """One walk through one tree."""

    def __init__(self, raw: list[dict[str, Any]], session: CDPSession) -> None:
        self.by_id = {node["nodeId"]: node for node in raw}
        self.found: list[Node] = []
        self._session = session
        self._texts: list[str] = []
        self._listening: list[Node] = []  # those that still collect the texts behind them

    def visit(self, node: dict[str, Any], landmarks: tuple[str, ...], depth: int) -> None:
        """Take in a node and everything below it."""
        role, name = _said(node, "role"), _said(node, "name")
        if role == _DRAWN:
            return
        if role == "StaticText":
            self._hear(name)
            return
        thing = None
        if _is_thing(node, role):
            thing = _node(node, role, name, landmarks, self._session, tuple(self._texts[-_AROUND:]))
            self.found.append(thing)
            if role in _LANDMARKS and (name or role not in _NAMED_ONLY):
                landmarks = (*landmarks, f"{role}: {name}" if name else role)
        for child in node.get("childIds", ()):
            if child in self.by_id and depth < _DEEPEST:
                self.visit(self.by_id[child], landmarks, depth + 1)
        if thing is not None:
            self._listening.append(thing)

    def _hear(self, text: str) -> None:
        words = " ".join(text.split())[:_LONGEST]
        if not any(letter.isalnum() for letter in words):
            return  # drawn rather than said: a dot, a bar, an arrow
        self._texts.append(words)
        for node in self._listening:
            node.texts_after.append(words)
        self._listening = [node for node in self._listening if len(node.texts_after) < _AROUND]


def _is_thing(node: dict[str, Any], role: str) -> bool:
    return not node.get("ignored") and role not in _NOT_THINGS and "backendDOMNodeId" in node


def _node(
    node: dict[str, Any],
    role: str,
    name: str,
    landmarks: tuple[str, ...],
    session: CDPSession,
    before: tuple[str, ...],
) -> Node:
    properties = {item["name"]: item["value"].get("value") for item in node.get("properties", ())}
    return Node(
        role=normal_role(role),
        name=name,
        enabled=not properties.get("disabled"),
        landmarks=landmarks,
        href=_path(str(properties.get("url", ""))),
        backend_id=node["backendDOMNodeId"],
        session=session,
        texts_before=before,
    )


def _path(url: str) -> str:
    """An address as fingerprints keep it: without its host, which differs between installations."""
    parts = urlsplit(url)
    rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return f"{parts.path}{rest}"[:200]


def _said(node: dict[str, Any], what: str) -> str:
    return str(node.get(what, {}).get("value", "") or "")
