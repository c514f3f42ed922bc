"""A trace archive as it may be kept: without secrets, cookies, and pictures of sites that know a secret."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra_shared.leaks import LeakScan
from infra_shared.markup import masked
from infra_shared.redaction import MASK, LeftOutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.redaction import Redactor
    from webgraph.evidence.media import CoveredMedia

# Beside the headers a trace lists cookies once more, each for itself; what the browser stores it tells when asked.
_JAR_NAMES = ("cookies", "localStorage", "indexedDB")
_JARS = re.compile(rb'"(?:cookies|localStorage|indexedDB)":\[[^\]]')
_HEAD_BYTES = 200
_SNAPSHOT = b'"frame-snapshot"'
_PAINT = ("image/", "video/", "audio/")
# An element of a snapshot is [name, attributes, child, …]; [[snapshots ago, number]] is one of an earlier snapshot.
_FIRST_CHILD = 2


def clean_trace(archive: bytes, redactor: Redactor, media: CoveredMedia) -> bytes:
    """The archive rewritten; a member that would still hold a secret is left out, and named in a note in its place."""
    return redactor.archive(archive, clean=_Cleaner(archive, redactor, media).cleaned)


class _Cleaner:
    """What is done to each member of one trace."""

    def __init__(self, archive: bytes, redactor: Redactor, media: CoveredMedia) -> None:
        self._redactor = redactor
        self._media = media
        self._scan = LeakScan(redactor)
        self._covered = set(_covered_files(archive, media)) if media else set()

    def cleaned(self, name: str, body: bytes) -> bytes:
        """A member without what must not be kept; raises LeftOutError when it cannot be kept at all."""
        if name in self._covered:
            raise LeftOutError("a picture of a site into which a secret was typed")
        if name.endswith((".network", ".trace")):
            body = b"\n".join(self._lines(body.split(b"\n")))
        body = self._redactor.data(body)
        leak = self._scan.leak_in(body, name=self._redactor.text(name))
        if leak is not None:
            raise LeftOutError(leak.reason)
        return body

    def _lines(self, lines: list[bytes]) -> Iterator[bytes]:
        """The lines of a log of events, each as it may be kept."""
        # All of them first: what is cut may lie in two snapshots, and the later one says so.
        mended = self._mended(lines) if self._redactor else {}
        for number, line in enumerate(lines):
            event = mended.get(number)
            clean = _written(event) if event is not None else _without_jars(line)
            yield self._without_pictures(clean) if self._media else clean

    def _mended(self, lines: list[bytes]) -> dict[int, Any]:
        """The snapshots among the lines by their number, without what is cut."""
        events = {
            number: json.loads(line) for number, line in enumerate(lines) if _SNAPSHOT in line[:_HEAD_BYTES]
        }
        snapshots = _Snapshots(self._redactor)
        for event in events.values():
            snapshots.mend(event["snapshot"])
        return events

    def _without_pictures(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "surrogateescape")
        return self._media.without_pictures(text).encode("utf-8", "surrogateescape")


class _Snapshots:
    """Takes secrets that elements cut in two out of DOM snapshots, also where a part stands in an earlier snapshot."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._nodes: dict[str, list[list[_Leaves]]] = {}

    def mend(self, snapshot: dict[str, Any]) -> None:
        """Change the texts of one snapshot, in place. Snapshots come in the order in which they were taken."""
        before = self._nodes.setdefault(snapshot["frameId"], [])
        nodes: list[_Leaves] = []
        before.append(nodes)
        leaves = self._visit([snapshot["html"]], 0, before, nodes)
        texts = [leaf.text for leaf in leaves]
        for leaf, clean in zip(leaves, masked(texts, self._redactor), strict=True):
            leaf.text = clean

    def _visit(
        self, parent: list[Any], at: int, before: list[list[_Leaves]], nodes: list[_Leaves]
    ) -> _Leaves:
        """The texts below one node, which is then numbered as the trace numbers it: children first."""
        node = parent[at]
        if isinstance(node, list) and node and isinstance(node[0], list):
            ago, number = node[0]
            return _earlier(before, ago, number)
        leaves: _Leaves
        if isinstance(node, str):
            leaves = (_Leaf(parent, at),)
        elif isinstance(node, list):
            leaves = tuple(
                leaf
                for index in range(_FIRST_CHILD, len(node))
                for leaf in self._visit(node, index, before, nodes)
            )
        else:
            return ()
        nodes.append(leaves)
        return leaves


class _Leaf:
    """One text of a snapshot, where it stands."""

    def __init__(self, parent: list[Any], at: int) -> None:
        self._parent = parent
        self._at = at

    @property
    def text(self) -> str:
        """What stands there now."""
        text: str = self._parent[self._at]
        return text

    @text.setter
    def text(self, text: str) -> None:
        self._parent[self._at] = text


_Leaves = tuple[_Leaf, ...]


def _earlier(before: list[list[_Leaves]], ago: int, number: int) -> _Leaves:
    at = len(before) - 1 - ago
    return before[at][number] if 0 <= at < len(before) and 0 <= number < len(before[at]) else ()


def _without_jars(line: bytes) -> bytes:
    """An event without the values of cookies and of the browser's storage, whoever asked for them."""
    if not _JARS.search(line):
        return line
    event = json.loads(line)
    _empty_jars(event)
    return _written(event)


def _empty_jars(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _empty_jars(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _JAR_NAMES and isinstance(item, list):
                value[name] = [_emptied(entry) for entry in item]
            else:
                _empty_jars(item)


def _emptied(entry: Any) -> Any:
    """One cookie, item or database: its name, and that it had a value."""
    if not isinstance(entry, dict):
        return MASK
    return {key: MASK if key in ("value", "stores") else item for key, item in entry.items()}


def _covered_files(archive: bytes, media: CoveredMedia) -> Iterator[str]:
    """The members that are pictures of a covered site, as far as they came after the first secret."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        for name in file.namelist():
            if name.endswith(".network"):
                for line in file.read(name).splitlines():
                    request = json.loads(line).get("snapshot", {})
                    content = request.get("response", {}).get("content", {})
                    if _is_covered(request, str(content.get("mimeType", "")), media):
                        yield str(content.get("_file", ""))


def _is_covered(request: dict[str, Any], kind: str, media: CoveredMedia) -> bool:
    if not kind.startswith(_PAINT) or not media.covers(request.get("request", {}).get("url", "")):
        return False
    ended = datetime.fromisoformat(request["startedDateTime"]) + timedelta(
        milliseconds=max(request.get("time", 0), 0)
    )
    return media.since is None or ended >= media.since


def _written(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
