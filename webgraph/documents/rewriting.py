"""Writes one target of a document anew and leaves everything else as its author wrote it, comments included.

Only the two keys that a heal changes are touched: `css` and `frame`. A comment between the selectors of a list that is
replaced goes with them; every other byte of the document stays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from webgraph.documents.parts import TargetData
from webgraph.documents.problems import FlowDocumentError, FlowProblem
from webgraph.documents.source import composed, data_of, is_json, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAY_CHANGE = ("css", "frame")


def with_target(text: str, *, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The document with every target that says `old` saying `new`; None when no target of it says that.

    Raises FlowDocumentError for a text that is no document, or that cannot be changed without changing more.
    """
    source = read_source(text)
    found = list(_saying(dict(old), composed(text)))
    if not found:
        return None
    changes = {name: new.get(name) for name in _MAY_CHANGE if new.get(name) != old.get(name)}
    edits = [edit for node in found for edit in _edits(node, changes, quoted=is_json(text))]
    changed = text
    for start, end, words in sorted(edits, reverse=True):
        changed = changed[:start] + words + changed[end:]
    if _data(changed) != _expected(source.data, dict(old), changes):
        line = found[0].start_mark.line + 1
        raise FlowDocumentError([FlowProblem("", line, "This target can only be changed by hand.")])
    return changed


def _data(text: str) -> Any:
    try:
        return read_source(text).data
    except FlowDocumentError:
        return None  # an unusual way of writing, such as a value over several lines, left a text that is no document


def _says(value: Any) -> dict[str, Any] | None:
    """What a part of a document says as a target, without what people call it; None when it is none."""
    if not isinstance(value, dict) or not value.keys() <= TargetData.model_fields.keys():
        return None
    try:
        said = TargetData.model_validate(value).as_json()
    except ValidationError:
        return None
    said.pop("called", None)
    return said


def _saying(old: dict[str, Any], node: yaml.Node) -> Iterator[yaml.MappingNode]:
    wanted = {name: value for name, value in old.items() if name != "called"}
    if isinstance(node, yaml.MappingNode):
        if _says(data_of(node)) == wanted:
            yield node
            return
        for _, value in node.value:
            yield from _saying(old, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _saying(old, item)


def _expected(data: Any, old: dict[str, Any], changes: Mapping[str, Any]) -> Any:
    """The data with the changes made in every target that says `old`."""
    if isinstance(data, dict):
        wanted = {name: value for name, value in old.items() if name != "called"}
        if _says(data) == wanted:
            return {**data, **{name: _short(value) for name, value in changes.items()}}
        return {name: _expected(value, old, changes) for name, value in data.items()}
    return [_expected(item, old, changes) for item in data] if isinstance(data, list) else data


def _edits(
    node: yaml.MappingNode, changes: Mapping[str, Any], *, quoted: bool
) -> Iterator[tuple[int, int, str]]:
    keys = {key.value: (key, value) for key, value in node.value}
    first = node.value[0][0].start_mark
    for name, value in changes.items():
        words = json.dumps(_short(value), ensure_ascii=False)
        if name in keys:
            key, written = keys[name]
            yield key.end_mark.index, _end(written), f": {words}"
        else:
            called = json.dumps(name) if quoted else name
            behind = ", " if node.flow_style else f"\n{' ' * first.column}"
            yield first.index, first.index, f"{called}: {words}{behind}"


def _end(node: yaml.Node) -> int:
    """Where a value ends; the end a block has for the parser lies behind the comments that follow it."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _short(value: Any) -> Any:
    """One selector without a list around it, as people write it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
