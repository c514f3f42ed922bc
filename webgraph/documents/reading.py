"""From the text of a flow document to a flow that is known to be usable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from webgraph.documents.checking import Checker, Known
from webgraph.documents.problems import FlowDocumentError, FlowProblem
from webgraph.documents.schema import FlowDocument, Include, SharedDocument, document_kind
from webgraph.documents.shared import NOTHING_SHARED
from webgraph.documents.source import read_source
from webgraph.documents.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webgraph.documents.fields import ParamField
    from webgraph.documents.parts import TargetData
    from webgraph.documents.schema import Stage
    from webgraph.documents.shared import SharedDocuments
    from webgraph.documents.source import Path, Source


@dataclass(frozen=True, slots=True)
class BoundStage:
    """A stage, and the targets its steps may name: those of the document it is written in."""

    stage: Stage
    targets: Mapping[str, TargetData]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A checked flow with everything it includes. `text` and `included` (key to text) say exactly what it is."""

    document: FlowDocument
    text: str
    included: Mapping[str, str]
    stages: tuple[BoundStage, ...]
    params: dict[str, ParamField]
    credentials: tuple[str, ...]


def read_flow(text: str, *, shared: SharedDocuments = NOTHING_SHARED) -> Flow:
    """The flow of a text in YAML or JSON; FlowDocumentError says everything that keeps it from running."""
    return flow_of(read_source(text), text, shared=shared)


def flow_of(source: Source, text: str, *, shared: SharedDocuments) -> Flow:
    """The flow of a text whose source is read already; raises what `read_flow` raises."""
    if document_kind(source.data) == ":shared":
        raise FlowDocumentError(
            [source.problem(("kind",), "This is a shared document: it runs inside a flow that includes it.")]
        )
    return _Reading(source, validated(source, FlowDocument), shared).flow(text)


def read_shared(text: str) -> SharedDocument:
    """A shared document, checked as far as it can be by itself; FlowDocumentError says what is wrong."""
    return shared_of(read_source(text))


def shared_of(source: Source) -> SharedDocument:
    """The shared document of a source; raises what `read_shared` raises."""
    document = validated(source, SharedDocument)
    problems = _check_shared(source, document, Known.of([document]))
    if problems:
        raise FlowDocumentError(problems)
    return document


def kind_of(text: str) -> Literal["flow", "shared"]:
    """Which kind of document a text says it is; FlowDocumentError when it is none at all."""
    return "shared" if document_kind(read_source(text).data) == ":shared" else "flow"


def problems_in(text: str, *, shared: SharedDocuments = NOTHING_SHARED) -> list[FlowProblem]:
    """Everything wrong with a document of either kind, in the order of its lines; empty when it is fine."""
    try:
        if kind_of(text) == "shared":
            read_shared(text)
        else:
            read_flow(text, shared=shared)
    except FlowDocumentError as error:
        return error.problems
    return []


class _Reading:
    """Takes in what is included, then checks all of it in the order in which it runs."""

    def __init__(self, source: Source, document: FlowDocument, shared: SharedDocuments) -> None:
        self._source = source
        self._document = document
        self._shared = shared
        self._included: dict[str, tuple[str, Source, SharedDocument]] = {}
        self._problems: list[FlowProblem] = []

    def flow(self, text: str) -> Flow:
        self._take_in()
        known = Known.of(self._documents())
        stages = self._checked_stages(known)
        if self._problems:
            raise FlowDocumentError(self._problems)
        params = {name: spec for item in reversed(self._documents()) for name, spec in item.params.items()}
        credentials = [name for item in self._documents() for name in item.credentials]
        return Flow(
            document=self._document,
            text=text,
            included={key: entry[0] for key, entry in self._included.items()},
            stages=tuple(stages),
            params=params,
            credentials=tuple(dict.fromkeys(credentials)),
        )

    def _documents(self) -> list[Any]:
        return [self._document, *(entry[2] for entry in self._included.values())]

    def _take_in(self) -> None:
        for number, stage in enumerate(self._document.stages):
            if isinstance(stage, Include) and stage.include not in self._included:
                self._take_in_one(("stages", number, "include"), stage.include)

    def _take_in_one(self, path: Path, key: str) -> None:
        text = self._shared.find(key)
        if text is None:
            self._problems.append(self._source.problem(path, f"There is no shared document {key!r}."))
            return
        try:
            source = read_source(text)
            self._included[key] = (text, source, validated(source, SharedDocument))
        except FlowDocumentError as error:
            self._problems += [_of_shared(key, problem) for problem in error.problems]

    def _checked_stages(self, known: Known) -> list[BoundStage]:
        checker = Checker(self._source, self._document, known)
        checker.params()
        checker.options(self._document.options)
        stages: list[BoundStage] = []
        for number, stage in enumerate(self._document.stages):
            if isinstance(stage, Include):
                stages += self._shared_stages(stage.include, known)
            else:
                checker.stage(("stages", number), stage)
                stages.append(BoundStage(stage, self._document.targets))
            self._refuse_twice(("stages", number), stages)
        checker.targets()
        checker.result(self._document.result)
        checker.profile(self._document.profile)
        if self._document.session is not None:
            checker.session(self._document.session, {item.stage.name: item.stage.effect for item in stages})
        self._problems += checker.problems
        return stages

    def _shared_stages(self, key: str, known: Known) -> list[BoundStage]:
        if key not in self._included:
            return []
        _, source, document = self._included[key]
        self._problems += [_of_shared(key, problem) for problem in _check_shared(source, document, known)]
        return [BoundStage(stage, document.targets) for stage in document.stages]

    def _refuse_twice(self, path: Path, stages: list[BoundStage]) -> None:
        names = [bound.stage.name for bound in stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        told = {problem.message for problem in self._problems}
        for message in (f"There are two stages called {name!r}." for name in twice):
            if message not in told:
                self._problems.append(self._source.problem(path, message))


def _check_shared(source: Source, document: SharedDocument, known: Known) -> list[FlowProblem]:
    checker = Checker(source, document, known)
    checker.params()
    for number, stage in enumerate(document.stages):
        checker.stage(("stages", number), stage)
    checker.targets()
    return checker.problems


def _of_shared(key: str, problem: FlowProblem) -> FlowProblem:
    return FlowProblem(f"{key}: {problem.path}".removesuffix(": "), problem.line, problem.message)
