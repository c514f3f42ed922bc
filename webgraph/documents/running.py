"""Makes the steps of a document on a supervised page: each becomes the call a Python automation would have written."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from webgraph import conditions
from webgraph.documents import conditions as data
from webgraph.documents import steps as kinds
from webgraph.documents.comparing import holds
from webgraph.documents.expression import is_true
from webgraph.documents.fields import answer_model, picked
from webgraph.documents.parts import Matches, TargetName
from webgraph.documents.variables import template
from webgraph.errors import BadParamsError, BadResultError, FailureKind, WebGraphError
from webgraph.files import FileContent, InputFile
from webgraph.secret_values import Secret
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from webgraph.conditions import Condition
    from webgraph.documents.parts import AnyTarget, Part, Pattern, TargetData
    from webgraph.flow import Automation
    from webgraph.page import Page


class DeclaredFailure(WebGraphError):  # noqa: N818 - the failure a document declares with `fail`
    """The document says that the attempt ends here."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


@dataclass
class Variables:
    """What variables stand for while an attempt runs: its params, state and credentials, and entries of loops."""

    automation: Automation
    items: dict[str, Any]

    def lookup(self, path: tuple[str, ...]) -> Any:
        """The value of a variable; None for what was never set."""
        root, *rest = path
        if root == "credential":
            return self.automation.credential(rest[0])[rest[1]]
        value: Any = {"params": self.automation.params, "state": self.automation.state}.get(root)
        if root in self.items:
            value = self.items[root]
        for name in rest:
            value = _member(value, name)
        return value

    @contextmanager
    def item(self, name: str, value: Any) -> Iterator[None]:
        """Let a variable stand for an entry, inside the block."""
        before = dict(self.items)
        self.items[name] = value
        try:
            yield
        finally:
            self.items = before

    def text(self, words: str) -> str:
        """A text with its variables filled in."""
        return template(words).text(self.lookup)

    def uses_secret(self, words: str) -> bool:
        """Whether one of a text's variables is a secret param."""
        return any(isinstance(self.lookup(path), SecretStr) for path in template(words).variables)

    def value(self, words: str) -> Any:
        """The value of a variable, or a text."""
        return template(words).value(self.lookup)


class Steps:
    """Makes the steps of one stage."""

    def __init__(self, page: Page, variables: Variables, targets: Mapping[str, TargetData]) -> None:
        self._page = page
        self._variables = variables
        self._targets = targets

    async def make(self, steps: Sequence[Any]) -> None:
        """Make the steps in their order."""
        for step in steps:
            if step.when is None or await self.applies(step.when):
                accept = isinstance(step, kinds.Acting) and step.dialog == "accept"
                with self._page.dialogs(accept=True) if accept else nullcontext():
                    await _MAKERS[type(step)](self, step)

    async def applies(self, when: data.When) -> bool:
        """Whether the condition of a step or stage holds now."""
        if isinstance(when, data.Visible):
            return await self._page.is_visible(self.target(when.visible))
        if isinstance(when, data.Hidden):
            return not await self._page.is_visible(self.target(when.hidden))
        return holds(when, self._variables.lookup)

    def target(self, target: AnyTarget) -> Target:
        """The target as the page takes it, its variables filled in."""
        described = self._targets[target.root] if isinstance(target, TargetName) else target
        return self.described(described, self._variables)

    @staticmethod
    def described(target: TargetData, variables: Variables) -> Target:
        """A description with its variables filled in."""
        return Target(**{name: _filled(name, value, variables) for name, value in target.as_json().items()})

    def condition(self, condition: data.Condition | None) -> Condition | None:
        """The condition as the page takes it."""
        return None if condition is None else _CONDITIONS[type(condition)](self, condition)

    def _appears(self, it: data.Appears) -> Condition:
        return conditions.appears(self.target(it.appears))

    def _disappears(self, it: data.Disappears) -> Condition:
        return conditions.disappears(self.target(it.disappears))

    def _reads(self, it: data.Reads) -> Condition:
        return conditions.reads(self.target(it.reads), self._pattern(it.text))

    def _url(self, it: data.Url) -> Condition:
        return conditions.url_is(self._pattern(it.url))

    def _requested(self, it: data.Requested) -> Condition:
        return conditions.requested(self._pattern(it.requested), it.method)

    def _downloads(self, it: data.Downloads) -> Condition:
        return conditions.downloads(self._pattern(it.downloads))

    def _expression(self, it: data.Expression) -> Condition:
        return is_true(it.expression)

    def _pattern(self, pattern: Pattern) -> str | re.Pattern[str]:
        if isinstance(pattern, Matches):
            return re.compile(template(pattern.matches).text(self._variables.lookup, re.escape))
        return self._variables.text(pattern)

    def _acting(self, step: kinds.Acting) -> dict[str, Any]:
        return {"then": self.condition(step.then), "timeout_seconds": step.timeout_seconds}

    def _keep(self, step: Any, value: Any) -> None:
        state = self._variables.automation.state
        if step.into is not None:
            setattr(state, step.into, value)
        elif step.add_to is not None:
            more = value if isinstance(value, list) else [value]
            setattr(state, step.add_to, [*(getattr(state, step.add_to) or []), *more])

    async def _goto(self, step: kinds.Goto) -> None:
        answer = await self._page.goto(
            self._variables.text(step.goto), ok=step.ok, any_status=step.any_status, **self._acting(step)
        )
        if step.into is not None:
            facts = {"status": answer.status, "final_url": answer.final_url, "title": answer.title}
            setattr(self._variables.automation.state, step.into, facts)

    async def _click(self, step: kinds.Click) -> None:
        await self._page.click(self.target(step.click), **self._acting(step))

    async def _double_click(self, step: kinds.DoubleClick) -> None:
        await self._page.double_click(self.target(step.double_click), **self._acting(step))

    async def _hover(self, step: kinds.Hover) -> None:
        await self._page.hover(self.target(step.hover), **self._acting(step))

    async def _scroll(self, step: kinds.Scroll) -> None:
        target = None if isinstance(step.scroll, str) else self.target(step.scroll)
        await self._page.scroll(target, x=step.x, y=step.y, **self._acting(step))

    async def _fill(self, step: kinds.Fill) -> None:
        text = self._variables.text(step.with_)
        # All of it is secret then: a short secret is not found inside a longer text.
        value = Secret(text) if self._variables.uses_secret(step.with_) else text
        await self._page.fill(self.target(step.fill), value, **self._acting(step))

    async def _fill_code(self, step: kinds.FillCode) -> None:
        target = self.target(step.fill_code)
        await self._page.fill_code(target, credential=step.credential, **self._acting(step))

    async def _select(self, step: kinds.Select) -> None:
        option = self._variables.text(step.option)
        await self._page.select(self.target(step.select), option, **self._acting(step))

    async def _press(self, step: kinds.Press) -> None:
        target = self.target(step.on) if step.on is not None else None
        await self._page.press(target, step.press, **self._acting(step))

    async def _check(self, step: kinds.Check) -> None:
        await self._page.check(self.target(step.check), **self._acting(step))

    async def _uncheck(self, step: kinds.Uncheck) -> None:
        await self._page.check(self.target(step.uncheck), on=False, **self._acting(step))

    async def _upload(self, step: kinds.Upload) -> None:
        files = [self._file(file) for file in step.files]
        await self._page.upload(self.target(step.upload), *files, **self._acting(step))

    def _file(self, file: kinds.GivenFile | kinds.UploadFile) -> InputFile | FileContent:
        if isinstance(file, kinds.UploadFile):
            text = self._variables.text(file.text).encode()
            return FileContent(self._variables.text(file.name), text, file.content_type)
        given = self._variables.value(file.file)
        if not isinstance(given, InputFile):
            msg = f"{file.file} was not given, so there is no file to upload."
            raise BadParamsError(msg)
        return given

    async def _download(self, step: kinds.Download) -> None:
        file = await self._page.download(self.target(step.download), timeout_seconds=step.timeout_seconds)
        if step.into is not None:
            facts = {"name": file.name, "size_bytes": file.size_bytes}
            setattr(self._variables.automation.state, step.into, facts)

    async def _popup(self, step: kinds.Popup) -> None:
        target = self.target(step.popup)
        async with self._page.popup(target, timeout_seconds=step.timeout_seconds) as window:
            await Steps(window, self._variables, self._targets).make(step.steps)

    async def _expect(self, step: kinds.Expect) -> None:
        wanted = step.expect
        await self._page.expect(
            self.target(wanted.target) if wanted.target is not None else None,
            text=self._pattern(wanted.text) if wanted.text is not None else None,
            url=self._pattern(wanted.url) if wanted.url is not None else None,
            timeout_seconds=step.timeout_seconds,
        )

    async def _wait_for(self, step: kinds.WaitFor) -> None:
        condition = self.condition(step.wait_for)
        assert condition is not None  # the schema wants one
        await self._page.wait_for(condition, timeout_seconds=step.timeout_seconds)

    async def _text(self, step: kinds.ReadText) -> None:
        target = self.target(step.text)
        value: str | None = await self._page.text(target, timeout_seconds=step.timeout_seconds)
        if step.pick is not None and value is not None:
            value = picked(step.pick, value)
            if value is None:
                msg = f"The text of {target} does not match {step.pick}."
                raise BadResultError(msg)
        self._keep(step, value)

    async def _extract_table(self, step: kinds.ExtractTable) -> None:
        target = self.target(step.extract_table)

        async def rows() -> list[dict[str, str]]:
            return await self._page.extract_table(target, timeout_seconds=step.timeout_seconds)

        self._keep(step, await self._all_pages(step.pages, rows))

    async def _extract_list(self, step: kinds.ExtractList) -> None:
        target, each = self.target(step.extract_list), self._variables.text(step.each)

        async def records() -> list[dict[str, str]]:
            return await self._page.extract_list(
                target, each, step.fields, timeout_seconds=step.timeout_seconds
            )

        self._keep(step, await self._all_pages(step.pages, records))

    async def _extract_fields(self, step: kinds.ExtractFields) -> None:
        target = self.target(step.extract_fields)
        record = await self._page.extract(target, step.fields, timeout_seconds=step.timeout_seconds)
        self._keep(step, record)

    async def _all_pages(
        self, pages: kinds.Pages | None, read: Callable[[], Awaitable[list[dict[str, str]]]]
    ) -> list[dict[str, str]]:
        rows = await read()
        if pages is None:
            return rows
        turned = 1
        while await self._page.is_visible(next_page := self.target(pages.next)):
            if turned == pages.most:
                msg = f"There are more pages than `most` allows ({pages.most})."
                raise BadResultError(msg)
            with self._variables.item("pages", {"next_row": len(rows) + 1}):
                await self._page.click(next_page, then=self.condition(pages.then))
            rows = [*rows, *await read()]
            turned += 1
        return rows

    async def _ask(self, step: kinds.Ask) -> None:
        answer = await self._page.ask(
            self._variables.text(step.ask),
            schema=answer_model(step.answer),
            timeout=timedelta(seconds=step.within_seconds),
            hold=step.hold,
            on_timeout=step.on_timeout,
        )
        # What is kept in the state outlives the stage, which a secret must not.
        setattr(self._variables.automation.state, step.into, answer.model_dump(exclude=_secret_names(step)))
        said = self._variables.items.setdefault("answer", {})
        said[step.into] = {name: getattr(answer, name).get_secret_value() for name in _secret_names(step)}

    async def _fail(self, step: kinds.Fail) -> None:
        raise DeclaredFailure(step.fail, self._variables.text(step.because))

    async def _for_each(self, step: kinds.ForEach) -> None:
        entries = self._variables.value(step.for_each)
        if entries is None:
            entries = []
        if not isinstance(entries, list):
            msg = f"{step.for_each} is no list, so there is nothing to go through."
            raise BadResultError(msg)
        if len(entries) > step.most:
            msg = f"{step.for_each} has {len(entries)} entries, more than `most` allows ({step.most})."
            raise BadResultError(msg)
        for entry in entries:
            with self._variables.item(step.as_, entry):
                await self.make(step.steps)


def _secret_names(step: kinds.Ask) -> set[str]:
    return {name for name, spec in step.answer.items() if spec.type == "secret"}


_MAKERS: dict[type[kinds.Step], Callable[[Steps, Any], Awaitable[None]]] = {
    model: getattr(Steps, f"_{name}") for name, model in kinds.STEPS.items()
}

_CONDITIONS: dict[type[Part], Callable[[Steps, Any], Condition]] = {
    model: getattr(Steps, f"_{name}") for name, model in data.CONDITIONS.items()
}


def _member(value: Any, name: str) -> Any:
    """One part of a value: of a model, a mapping, or a list by number; None where there is none."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        number = int(name) if name.isdigit() else len(value)
        return value[number] if number < len(value) else None
    fields = getattr(type(value), "model_fields", {})
    return getattr(value, name) if name in fields else None


def _filled(name: str, value: Any, variables: Variables) -> Any:
    if isinstance(value, list):
        return [_filled(name, item, variables) for item in value]
    if not isinstance(value, str):
        return value
    # Inside a selector a value stands between quotes: what would end them must not.
    return template(value).text(variables.lookup, _QUOTES.get(name))


def _escaped(value: str) -> str:
    return re.sub(r"([\\\"'])", r"\\\1", value)


def _unquoted(value: str) -> str:
    """The value if it can stand in an XPath, whose quotes know no escape."""
    if "'" in value or '"' in value:
        msg = "A value with quotes cannot stand in an XPath; describe the target by css."
        raise BadParamsError(msg)
    return value


_QUOTES: dict[str, Callable[[str], str]] = {"css": _escaped, "frame": _escaped, "xpath": _unquoted}
