"""Steps and conditions of a document as sentences, with their variables as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webgraph.documents import conditions
from webgraph.documents import steps as kinds
from webgraph.documents.parts import Matches, TargetName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from webgraph.documents.parts import TargetData

    Named = Callable[[Any], str]


def in_words(step: kinds.Step, targets: Mapping[str, TargetData]) -> str:
    """What a step does, such as `Click “Send”; then “Thank you” appears`."""

    def named(target: Any) -> str:
        return _named(target, targets)

    words = _SENTENCES[type(step)](step, named)
    then = getattr(step, "then", None)
    if then is not None:
        words += f"; then {_condition(then, named)}"
    if step.when is not None:
        words = f"If {when_in_words(step.when, targets)}: {words[:1].lower()}{words[1:]}"
    kept = getattr(step, "into", None) or getattr(step, "add_to", None)
    return f"{words} → {kept}" if kept else words


def when_in_words(when: conditions.When | None, targets: Mapping[str, TargetData]) -> str:
    """When a step or stage is made, such as `“Next” is visible`; empty for always."""
    if when is None:
        return ""
    if isinstance(when, conditions.Visible):
        return f"{_named(when.visible, targets)} is visible"
    if isinstance(when, conditions.Hidden):
        return f"{_named(when.hidden, targets)} is not visible"
    (way,) = when.chosen
    value = getattr(when, "in_" if way == "in" else way)
    if way == "empty":
        return f"{when.value} is {'empty' if value else 'not empty'}"
    shown = ", ".join(str(item) for item in value) if isinstance(value, list) else value
    return f"{when.value} {_COMPARED[way]} {shown}"


def _named(target: Any, targets: Mapping[str, TargetData]) -> str:
    return str(targets[target.root]) if isinstance(target, TargetName) else str(target)


def _pattern(pattern: Any) -> str:
    return f"matches {pattern.matches}" if isinstance(pattern, Matches) else f"contains “{pattern}”"


def _condition(condition: Any, named: Named) -> str:  # noqa: PLR0911 - one sentence for each kind
    if isinstance(condition, conditions.Appears):
        return f"{named(condition.appears)} appears"
    if isinstance(condition, conditions.Disappears):
        return f"{named(condition.disappears)} disappears"
    if isinstance(condition, conditions.Reads):
        return f"{named(condition.reads)} {_pattern(condition.text)}"
    if isinstance(condition, conditions.Url):
        return f"the address {_pattern(condition.url)}"
    if isinstance(condition, conditions.Requested):
        return f"a {condition.method or ''} request is made whose address {_pattern(condition.requested)}".replace(
            "  ", " "
        )
    if isinstance(condition, conditions.Downloads):
        return f"a download begins whose name {_pattern(condition.downloads)}"
    return f"this is true in the page: {condition.expression}"


def _expect(step: Any, named: Named) -> str:
    wanted = step.expect
    said = []
    if wanted.target is not None:
        said.append(f"{named(wanted.target)} {_pattern(wanted.text) if wanted.text else 'is visible'}")
    if wanted.url is not None:
        said.append(f"the address {_pattern(wanted.url)}")
    return f"Check that {' and '.join(said)}"


def _scroll(step: Any, named: Named) -> str:
    what = "the page" if step.scroll == "page" else named(step.scroll)
    return f"Scroll {what} to {step.x:g}, {step.y:g}"


def _upload(step: Any, named: Named) -> str:
    files = ", ".join(file.file if isinstance(file, kinds.GivenFile) else file.name for file in step.files)
    return f"Upload {files} into {named(step.upload)}"


_COMPARED = {
    "equals": "is",
    "not_equals": "is not",
    "in": "is one of",
    "contains": "contains",
    "above": "is above",
    "below": "is below",
}
_SENTENCES: dict[type[kinds.Step], Callable[[Any, Named], str]] = {
    kinds.Goto: lambda step, _: f"Open {step.goto}",
    kinds.Click: lambda step, named: f"Click {named(step.click)}",
    kinds.DoubleClick: lambda step, named: f"Double-click {named(step.double_click)}",
    kinds.Hover: lambda step, named: f"Point at {named(step.hover)}",
    kinds.Scroll: _scroll,
    kinds.Fill: lambda step, named: f"Fill {named(step.fill)} with “{step.with_}”",
    kinds.FillCode: lambda step, named: (
        f"Fill {named(step.fill_code)} with a one-time code of “{step.credential}”"
    ),
    kinds.Select: lambda step, named: f"Choose “{step.option}” in {named(step.select)}",
    kinds.Press: lambda step, named: f"Press {step.press}" + (f" on {named(step.on)}" if step.on else ""),
    kinds.Check: lambda step, named: f"Tick {named(step.check)}",
    kinds.Uncheck: lambda step, named: f"Clear {named(step.uncheck)}",
    kinds.Upload: _upload,
    kinds.Download: lambda step, named: f"Download what {named(step.download)} gives",
    kinds.Popup: lambda step, named: f"In the window that {named(step.popup)} opens:",
    kinds.Expect: _expect,
    kinds.WaitFor: lambda step, named: f"Wait until {_condition(step.wait_for, named)}",
    kinds.ReadText: lambda step, named: f"Read {named(step.text)}",
    kinds.ExtractTable: lambda step, named: f"Read the rows of {named(step.extract_table)}{_pages(step)}",
    kinds.ExtractList: lambda step, named: f"Read the entries of {named(step.extract_list)}{_pages(step)}",
    kinds.ExtractFields: lambda step, named: (
        f"Read {', '.join(step.fields)} from {named(step.extract_fields)}"
    ),
    kinds.Ask: lambda step, _: f"Ask: {step.ask} ({', '.join(step.answer)})",
    kinds.Fail: lambda step, _: f"End as {step.fail.value}: {step.because}",
    kinds.ForEach: lambda step, _: f"For each {step.as_} of {step.for_each}:",
}


def _pages(step: Any) -> str:
    return " on all pages" if step.pages is not None else ""
