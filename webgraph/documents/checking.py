"""What a schema cannot say: that names are known, variables are there when they are used, and patterns are patterns."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from webgraph.documents import steps as kinds
from webgraph.documents.conditions import Expression
from webgraph.documents.fields import problems_of, regex_problem, type_of
from webgraph.documents.parts import Matches, TargetName
from webgraph.documents.sessions import declared_session
from webgraph.documents.variables import VariableError, template
from webgraph.flow import Automation
from webgraph.recorder import Effect
from webgraph.sites import origin_of
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from webgraph.browser.profile import BrowserProfile
    from webgraph.documents.fields import ParamField, ResultField
    from webgraph.documents.problems import FlowProblem
    from webgraph.documents.schema import Document, Options, Session, Stage
    from webgraph.documents.source import Path, Source

NEXT_ROW = ("pages", "next_row")


@dataclass
class Known:
    """What variables may name at one point of a document; state grows from step to step."""

    params: set[str]
    credentials: set[str]
    files: set[str] = field(default_factory=set)
    secrets: set[tuple[str, ...]] = field(default_factory=set)
    """The params that are secret, as variables name them."""
    state: set[str] = field(default_factory=set)
    items: list[str] = field(default_factory=list)
    answers: dict[str, set[str]] = field(default_factory=dict)
    """The secrets of answers given in this stage, by the name of the answer."""

    def problem(self, variable: tuple[str, ...], *, in_fill: bool) -> str:
        """What is wrong with a variable here; empty when it is fine."""
        root, rest = variable[0], variable[1:]
        if root in self.items:
            return ""
        if root == "credential":
            return self._credential(rest, in_fill=in_fill)
        if root == "answer":
            return self._answer(rest, in_fill=in_fill)
        if variable[:2] in self.secrets and not in_fill:
            return "A secret can only be typed: use it in `with` of a `fill`."
        return self._name(root, rest)

    def _name(self, root: str, rest: tuple[str, ...]) -> str:
        names = {"params": self.params, "state": self.state}.get(root)
        if names is None:
            return _unknown(root, ["params", "state", "credential", *self.items], "variable")
        if not rest:
            return f"Say which: {{{{ {root}.NAME }}}}."
        where = "is declared under `params`" if root == "params" else "was kept by an earlier step"
        return "" if rest[0] in names else _unknown(rest[0], names, f"name that {where}")

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Known:
        """What the documents that make up a flow declare."""
        every = list(documents)
        params = {name: spec for item in every for name, spec in item.params.items()}
        return cls(
            params=set(params),
            credentials={name for item in every for name in item.credentials},
            files={name for name, spec in params.items() if spec.type == "file"},
            secrets={("params", name) for name, spec in params.items() if spec.type == "secret"},
        )

    def file_problem(self, text: str) -> str:
        """What keeps a text from naming a file; empty when it is one param of that type."""
        try:
            parts = template(text).parts
        except VariableError:
            return ""  # said where its variables are looked at
        name = parts[0][1] if len(parts) == 1 and len(parts[0]) == 2 and parts[0][0] == "params" else ""
        if name in self.files:
            return ""
        return "This names no file; write {{ params.NAME }} with a param of `type: file`."

    def _answer(self, rest: tuple[str, ...], *, in_fill: bool) -> str:
        if len(rest) != 2 or rest[0] not in self.answers:
            return "This is no secret that was asked for in this stage; write {{ answer.NAME.FIELD }}."
        name, asked = rest
        if asked not in self.answers[name]:
            plain = f"{{{{ state.{name}.{asked} }}}}"
            return f"{asked!r} was not asked for as a secret; what is no secret is written {plain}."
        return "" if in_fill else "A secret can only be typed: use it in `with` of a `fill`."

    def _credential(self, rest: tuple[str, ...], *, in_fill: bool) -> str:
        if len(rest) != 2:
            return "A credential is used as {{ credential.NAME.FIELD }}."
        if rest[0] not in self.credentials:
            return _unknown(rest[0], self.credentials, "credential declared under `credentials`")
        return "" if in_fill else "A credential can only be typed: use it in `with` of a `fill`."


class Checker:
    """Walks one document and collects what is wrong with it."""

    def __init__(self, source: Source, document: Document, known: Known) -> None:
        self._source = source
        self._document = document
        self._known = known
        self._commits = False
        self.problems: list[FlowProblem] = []

    def params(self) -> None:
        """Look at the declared params: their defaults and limits."""
        for name, spec in self._document.params.items():
            path: Path = ("params", name)
            if hasattr(BaseModel, name):
                self._say(path, f"A param cannot be called {name!r}; choose another name.")
            self._declared(path, spec)
            if spec.type == "file" and (spec.default is not None or spec.enum is not None):
                self._say(path, "A file is given anew to each run: it has no `default` and no `enum`.")
            elif spec.type == "secret" and (spec.default is not None or spec.enum is not None):
                self._say(path, "A secret is given anew to each run: it has no `default` and no `enum`.")
            elif "default" in spec.model_fields_set:
                self._default(path, spec)

    def options(self, options: Options) -> None:
        """Look at what runs are counted by: only params are known before an attempt begins."""
        named: list[tuple[Path, str]] = [
            (("sites", number), site) for number, site in enumerate(options.sites)
        ]
        for path, text in [*named, *((("slot_keys", name), name) for name in options.slot_keys)]:
            where: Path = ("options", *path)
            before = len(self.problems)
            self._variables(where, text, in_fill=False)
            if len(self.problems) == before:
                self._counted(where, text)
        for number, site in enumerate(options.sites):
            if not any(template(site).variables) and (reason := _site_problem(site)):
                self._say(("options", "sites", number), reason)

    def _counted(self, path: Path, text: str) -> None:
        for root, *rest in template(text).variables:
            spec = self._document.params.get(rest[0]) if rest else None
            if root != "params" or (spec is not None and spec.type == "file"):
                self._say(path, "Only params stand here, and none that is a file.")

    def targets(self) -> None:
        """Look at the named targets."""
        for name, target in self._document.targets.items():
            self._strings(("targets", name), target)

    def stage(self, path: Path, stage: Stage) -> None:
        """Look at one stage and all its steps."""
        if hasattr(Automation, stage.name):
            self._say((*path, "name"), f"A stage cannot be called {stage.name!r}; choose another name.")
        self._strings((*path, "when"), stage.when)
        self._strings((*path, "effect_key"), stage.effect_key)
        if stage.effect_key and stage.effect is not Effect.COMMIT:
            self._say((*path, "effect_key"), "It counts for stages that commit.")
        self._commits = stage.effect is Effect.COMMIT
        self._known.answers = {}
        self._steps((*path, "steps"), stage.steps)

    def result(self, result: Mapping[str, ResultField]) -> None:
        """Look at the declared result; every stage was looked at before."""
        for name, spec in result.items():
            path: Path = ("result", name)
            self._declared(path, spec)
            self._strings((*path, "value"), spec.value)
            if spec.items is not None and spec.type not in ("list", "object"):
                self._say((*path, "items"), f"It counts for lists and objects, not for {spec.type}.")
            for key, item in (spec.items or {}).items():
                self._declared((*path, "items", key), item)

    def profile(self, profile: BrowserProfile) -> None:
        """Look at the credentials of the browser profile."""
        for part, name in profile.undeclared(self._known.credentials):
            reason = _unknown(name, self._known.credentials, "credential declared under `credentials`")
            self._say(("profile", part, "credential"), reason)

    def session(self, session: Session, stages: Mapping[str, Effect]) -> None:
        """Look at the shared session; every stage is known by now."""
        for path, text in (
            (("site",), session.site),
            (("account",), session.account),
            (("probe", "url"), session.probe.url),
        ):
            where: Path = ("session", *path)
            before = len(self.problems)
            self._variables(where, text, in_fill=False)
            if len(self.problems) == before:
                self._counted(where, text)
        where = ("session", "probe", "target")
        before = len(self.problems)
        self._strings(where, session.probe.target)
        if len(self.problems) == before and any(map(_has_variables, _texts(session.probe.target))):
            self._say(where, "It is the same for all runs: no variable stands here.")
        for problem in declared_session(session, Target(css="*")).problems(stages, self._known.credentials):
            self._say(("session",), problem)

    def _steps(self, path: Path, steps: list[Any]) -> None:
        for number, step in enumerate(steps):
            self._step((*path, number), step)

    def _step(self, path: Path, step: Any) -> None:
        for name, value in _parts(step):
            if name not in ("steps", "pages"):
                self._strings((*path, name), value, in_fill=isinstance(step, kinds.Fill) and name == "with")
        self._inside(path, step)
        if isinstance(step, kinds.ReadText) and step.pick and (reason := regex_problem(step.pick)):
            self._say((*path, "pick"), reason)
        for key in ("into", "add_to"):
            kept: str | None = getattr(step, key, None)
            if kept is not None:
                self._keeps((*path, key), kept)

    def _inside(self, path: Path, step: Any) -> None:
        """Look at what a step holds in its turn: steps, and how pages are turned."""
        if isinstance(step, kinds.ForEach):
            self._loop(path, step)
        elif isinstance(step, kinds.Upload):
            self._files((*path, "files"), step.files)
        elif isinstance(step, kinds.Ask):
            self._asks(path, step)
        elif isinstance(step, kinds.FillCode) and step.credential not in self._known.credentials:
            reason = _unknown(
                step.credential, self._known.credentials, "credential declared under `credentials`"
            )
            self._say((*path, "credential"), reason)
        elif isinstance(step, kinds.Popup):
            self._steps((*path, "steps"), step.steps)
        elif getattr(step, "pages", None) is not None:
            self._known.items.append("pages")
            self._strings((*path, "pages"), step.pages)
            self._known.items.pop()

    def _asks(self, path: Path, step: kinds.Ask) -> None:
        if self._commits and not step.hold:
            self._say(
                path, "A stage that commits cannot end to ask: ask in a stage before it, or with `hold`."
            )
        for name, spec in step.answer.items():
            self._declared((*path, "answer", name), spec)
        secrets = {name for name, spec in step.answer.items() if spec.type == "secret"}
        self._known.answers[step.into] = secrets

    def _files(self, path: Path, files: list[Any]) -> None:
        for number, file in enumerate(files):
            reason = self._known.file_problem(file.file) if isinstance(file, kinds.GivenFile) else ""
            if reason:
                self._say((*path, number, "file"), reason)

    def _keeps(self, path: Path, name: str) -> None:
        if hasattr(BaseModel, name):
            self._say(path, f"State cannot hold the name {name!r}; choose another one.")
        self._known.state.add(name)

    def _loop(self, path: Path, loop: kinds.ForEach) -> None:
        if loop.as_ in ("params", "state", "credential", "pages", *self._known.items):
            self._say((*path, "as"), f"{loop.as_!r} is taken; choose another name.")
        self._known.items.append(loop.as_)
        self._steps((*path, "steps"), loop.steps)
        self._known.items.pop()

    def _strings(self, path: Path, value: Any, *, in_fill: bool = False) -> None:
        """Look at every text below a part: names of targets, variables, regular expressions."""
        if isinstance(value, TargetName):
            if value.root not in self._document.targets:
                self._say(path, _unknown(value.root, self._document.targets, "target under `targets`"))
        elif isinstance(value, str):
            self._variables(path, value, in_fill=in_fill)
        elif isinstance(value, Matches):
            self._expression((*path, "matches"), value.matches)
        else:
            for name, part in _inner(value):
                self._strings((*path, name), part, in_fill=in_fill)

    def _variables(self, path: Path, text: str, *, in_fill: bool) -> None:
        try:
            found = template(text)
        except VariableError as error:
            self._say(path, str(error))
            return
        for variable in found.variables:
            reason = self._known.problem(variable, in_fill=in_fill)
            if reason:
                self._say(path, reason)

    def _expression(self, path: Path, text: str) -> None:
        self._variables(path, text, in_fill=False)
        try:
            sample = template(text).text(lambda _variable: "x")
        except VariableError:
            return  # said by the line above
        if reason := regex_problem(sample):
            self._say(path, reason)

    def _declared(self, path: Path, spec: Any) -> None:
        wrong = problems_of(spec)
        for key, reason in wrong:
            self._say((*path, key), reason)
        if not wrong:
            self._adapter(path, spec)

    def _adapter(self, path: Path, spec: Any) -> TypeAdapter[Any] | None:
        try:
            return TypeAdapter(type_of(spec))
        except SchemaError:
            # The engine that checks values knows no look-around and no references, which Python's does.
            self._say(
                (*path, "pattern"), "This regular expression uses something that is not supported here."
            )
            return None

    def _default(self, path: Path, spec: ParamField) -> None:
        if problems_of(spec) or (spec.default is None and spec.optional):
            return
        try:
            adapter = TypeAdapter(type_of(spec))
            adapter.validate_python(spec.default)
        except SchemaError:
            return  # said before
        except ValidationError as error:
            self._say((*path, "default"), f"The default does not fit: {error.errors()[0]['msg']}.")

    def _say(self, path: Path, message: str) -> None:
        self.problems.append(self._source.problem(path, message))


def _site_problem(site: str) -> str:
    try:
        origin_of(site)
    except ValueError as error:
        return str(error)
    return ""


def _has_variables(text: str) -> bool:
    return any(template(text).variables)


def _texts(value: Any) -> Iterator[str]:
    """Every text below a part."""
    if isinstance(value, str):
        yield value
    elif not isinstance(value, TargetName):
        for _, part in _inner(value):
            yield from _texts(part)


def _parts(model: BaseModel) -> Iterator[tuple[str, Any]]:
    """The parts that were written, by the names they were written under."""
    fields = type(model).model_fields
    for name in fields:
        if name in model.model_fields_set:
            yield fields[name].alias or name, getattr(model, name)


def _inner(value: Any) -> Iterable[tuple[str | int, Any]]:
    """What may hold texts below a part, by name or number. JavaScript is left alone: its braces are its own."""
    if isinstance(value, Expression):
        return ()
    if isinstance(value, BaseModel):
        return _parts(value)
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _unknown(name: str, known: Any, what: str) -> str:
    close = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{name!r} is no {what}{hint}"
