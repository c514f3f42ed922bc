"""What a checked document says, in words: for a person who wants to see that it was understood as it was meant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from webgraph.documents.reading import flow_of, read_shared, shared_of
from webgraph.documents.schema import Include, SharedDocument, document_kind
from webgraph.documents.shared import NOTHING_SHARED
from webgraph.documents.source import read_source
from webgraph.documents.words import in_words, when_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from webgraph.documents.fields import ParamField, ResultField
    from webgraph.documents.parts import TargetData
    from webgraph.documents.schema import Document, Stage
    from webgraph.documents.shared import SharedDocuments
    from webgraph.documents.source import Path, Source


@dataclass(frozen=True, slots=True)
class OutlinedStep:
    """One step; `depth` counts the steps it is inside of, `line` is None where it stands in another document."""

    words: str
    depth: int
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedStage:
    """One stage; `included` is the key of the shared document it comes from, empty for one of its own."""

    title: str
    effect: str
    effect_key: str
    when: str
    included: str
    line: int | None
    steps: tuple[OutlinedStep, ...]


@dataclass(frozen=True, slots=True)
class OutlinedField:
    """One param or one field of the result, with what is said of its value."""

    name: str
    kind: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A whole document of either kind; `included` has the text of each shared document it takes in, by key."""

    key: str
    title: str
    is_shared: bool
    stages: tuple[OutlinedStage, ...]
    params: tuple[OutlinedField, ...]
    credentials: tuple[str, ...]
    result: tuple[OutlinedField, ...] = ()
    included: Mapping[str, str] = field(default_factory=dict)

    @property
    def step_count(self) -> int:
        """How many steps are written, those inside others included."""
        return sum(len(stage.steps) for stage in self.stages)


def outline(text: str, *, shared: SharedDocuments = NOTHING_SHARED) -> Outline:
    """The outline of a document of either kind; FlowDocumentError says everything that is wrong with it."""
    source = read_source(text)
    if document_kind(source.data) == ":shared":
        return _outline(source, document := shared_of(source), shared, params=document.params)
    flow = flow_of(source, text, shared=shared)
    made = _outline(source, flow.document, shared, params=flow.params)
    result = tuple(
        OutlinedField(name, _kind(spec), "may be missing" if spec.optional else "")
        for name, spec in flow.document.result.items()
    )
    return replace(made, credentials=flow.credentials, result=result, included=flow.included)


def _outline(
    source: Source, document: Document, shared: SharedDocuments, *, params: Mapping[str, ParamField]
) -> Outline:
    return Outline(
        key=document.key,
        title=document.title or document.key,
        is_shared=isinstance(document, SharedDocument),
        stages=tuple(_stages(source, document, shared)),
        params=tuple(_param(name, spec) for name, spec in params.items()),
        credentials=tuple(document.credentials),
    )


def _stages(source: Source, document: Any, shared: SharedDocuments) -> Iterator[OutlinedStage]:
    for number, stage in enumerate(document.stages):
        path = ("stages", number)
        if isinstance(stage, Include):
            taken = read_shared(shared.find(stage.include) or "")
            for inner in taken.stages:
                yield _stage(
                    inner, taken.targets, None, path, included=stage.include, line=source.line_of(path)
                )
        else:
            yield _stage(stage, document.targets, source, path, included="", line=source.line_of(path))


def _stage(
    stage: Stage,
    targets: Mapping[str, TargetData],
    source: Source | None,
    path: Path,
    *,
    included: str,
    line: int,
) -> OutlinedStage:
    return OutlinedStage(
        title=stage.title or stage.name.replace("_", " ").capitalize(),
        effect=stage.effect.value,
        effect_key=stage.effect_key or "",
        when=when_in_words(stage.when, targets),
        included=included,
        line=line,
        steps=tuple(_steps(stage.steps, targets, source, (*path, "steps"), depth=0)),
    )


def _steps(
    steps: list[Any], targets: Mapping[str, TargetData], source: Source | None, path: Path, *, depth: int
) -> Iterator[OutlinedStep]:
    for number, step in enumerate(steps):
        here = (*path, number)
        yield OutlinedStep(in_words(step, targets), depth, source.line_of(here) if source else None)
        yield from _steps(getattr(step, "steps", []), targets, source, (*here, "steps"), depth=depth + 1)


def _param(name: str, spec: ParamField) -> OutlinedField:
    if "default" in spec.model_fields_set and spec.default is not None:
        return OutlinedField(
            name, _kind(spec), f"else {spec.default}" if spec.default != "" else "else empty"
        )
    return OutlinedField(name, _kind(spec), "may be left out" if spec.optional else "needed")


def _kind(spec: ParamField | ResultField) -> str:
    if spec.enum is not None:
        return "one of " + ", ".join(str(item) for item in spec.enum)
    items = getattr(spec, "items", None)
    return f"{spec.type} of {', '.join(items)}" if items else spec.type
