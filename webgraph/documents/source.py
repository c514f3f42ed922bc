"""The text of a document as plain data, with the line of each of its parts.

YAML means the same here as in its version 1.2: `no` and `12:30` are text, true and false are the only words for yes and
no, a number with leading zeros is text. Anchors, aliases and tags are refused: a small text stays small when it is read,
and nothing but data comes out. A text that begins with `{` is JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from webgraph.documents.problems import FlowDocumentError, FlowProblem, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST_BYTES = 256 * 1024
DEEPEST = 40
"""Levels of nesting; more than any document needs, and few enough for the recursion below."""

Path = tuple[str | int, ...]

_STRING = "tag:yaml.org,2002:str"
_TAG_OF = {
    "null": re.compile(r"(?:~|null|)$"),
    "bool": re.compile(r"(?:true|false)$"),
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$"),
    "float": re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$"),
}


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows the words of YAML 1.2 only."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _name, _pattern in _TAG_OF.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, None)


@dataclass(frozen=True, slots=True)
class Source:
    """A document's data, and where each part of it stands."""

    data: Any
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of a part; for one that is missing, of the nearest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, message: str) -> FlowProblem:
        """Something wrong with one part."""
        if path and isinstance(path[-1], int) and path not in self.lines:
            path = path[:-1]  # one that may stand without a list around it, and does
        return FlowProblem(written(path), self.line_of(path), message)


def read_source(text: str) -> Source:
    """The data and lines of a text in YAML or JSON; FlowDocumentError when it is neither, or too large."""
    if len(text.encode(errors="surrogatepass")) > LARGEST_BYTES:
        raise _refused(1, f"The document is larger than {LARGEST_BYTES // 1024} KiB.")
    parsed = _json(text) if is_json(text) else None
    root = composed(text)
    reader = _Reader()
    data = reader.read(root, ())
    if reader.problems:
        raise FlowDocumentError(reader.problems)
    if not isinstance(data, dict):
        raise _refused(
            1, "A document is a mapping that begins with keys such as `key:`, `title:` and `stages:`."
        )
    return Source(data if parsed is None else parsed, reader.lines)


def composed(text: str) -> yaml.Node:
    """The parts of a text with the places where they stand in it; FlowDocumentError as in `read_source`."""
    if is_json(text):
        # JSON knows no raw tab but between its parts, where YAML knows none: a blank in its place moves nothing.
        text = text.replace("\t", " ")
    try:
        _refuse_what_is_no_plain_data(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise _refused(mark.line + 1 if mark else 1, f"This is not valid YAML: {words}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(line, f"This is not valid YAML: {error.reason}.") from error
    if root is None:
        raise _refused(1, "The document is empty.")
    return root


def data_of(node: yaml.Node) -> Any:
    """The plain data of one part."""
    return _Reader().read(node, ())


def is_json(text: str) -> bool:
    """Whether a text is meant as JSON."""
    return text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n").startswith("{")


def _refuse_what_is_no_plain_data(text: str) -> None:
    """Look at the stream of events, which needs no recursion and expands nothing."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(
                line, "Anchors and aliases are not used here; name what is shared under `targets`."
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _refused(line, f"Tags such as {tag} are not used here.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _refused(line, f"This is nested deeper than {DEEPEST} levels.")


class _Reader:
    """Turns nodes into data; remembers lines, collects keys that are written twice."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[FlowProblem] = []

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(FlowProblem(written(path), line, "A key must be a plain word."))
                continue
            name = str(key.value)
            if name in found:
                self.problems.append(
                    FlowProblem(written((*path, name)), line, f"{name!r} is written twice here.")
                )
            self.lines[*path, name] = line
            found[name] = self.read(value, (*path, name))
        return found


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.rpartition(":")[2]
    if kind == "int":
        return int(node.value)
    if kind == "float":
        return float(node.value)
    if kind == "bool":
        return node.value == "true"
    return None if kind == "null" else node.value


def _json(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}"), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _refused(error.lineno, f"This is not valid JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise _refused(1, f"This is not valid JSON: {error}.") from error


def _no_number(word: str) -> Any:
    msg = f"{word} is no number"
    raise ValueError(msg)


def _refused(line: int, message: str) -> FlowDocumentError:
    return FlowDocumentError([FlowProblem("", line, message)])


def paths_of(location: Sequence[str | int], data: Any) -> Path:
    """Where in the data a pydantic location lies: words that are not in the data (tags of unions) are left out."""
    found: list[str | int] = []
    for position, part in enumerate(location):
        if isinstance(part, str) and part.startswith(":"):
            continue
        is_here = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if is_here:
            data = data[part]
        elif position < len(location) - 1:
            continue
        found.append(part)
    return tuple(found)
