"""Turns a flow into an `Automation` subclass, so that it runs on the very path of one written in Python."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from webgraph.documents.fields import params_model, result_model
from webgraph.documents.parts import TargetName
from webgraph.documents.running import Steps, Variables
from webgraph.documents.sessions import declared_session
from webgraph.documents.variables import template
from webgraph.flow import Automation, NoData, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from webgraph.documents.fields import ItemField
    from webgraph.documents.parts import TargetData
    from webgraph.documents.reading import BoundStage, Flow
    from webgraph.documents.schema import Session, Stage
    from webgraph.page import Page
    from webgraph.session import Said, SignedInSession

    StageMethod = Callable[[Any, Page], Awaitable[Any]]


def automation_from(flow: Flow) -> type[Automation]:
    """The class that runs this flow: typed params and result, stages with effects, options as declared."""
    document, options = flow.document, flow.document.options
    members: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": document.description or None,
        "key": document.key,
        "title": document.title or document.key,
        "Params": params_model(flow.params),
        "State": _state_model(flow),
        "Result": result_model(document.result),
        "credentials": flow.credentials,
        "queue": options.queue,
        "deadline": timedelta(seconds=options.deadline_seconds),
        "run_deadline": timedelta(seconds=options.run_deadline_seconds)
        if options.run_deadline_seconds
        else None,
        "step_timeout": timedelta(seconds=options.step_timeout_seconds),
        "vision_steps": options.vision_steps,
        "model_tokens": options.model_tokens,
        "max_attempts": options.max_attempts,
        "max_concurrent": options.max_concurrent,
        "sites": tuple(site for site in options.sites if not any(template(site).variables)),
        "sites_of": _sites_of(options.sites),
        "slot_keys": _slot_keys(options.slot_keys),
        "retryable": options.retryable,
        "profile": document.profile,
        "evidence": options.evidence,
        "cover_media": options.cover_media,
        "redact_patterns": tuple(options.redact_patterns),
        "resume": options.resume,
    }
    members |= {
        _key_method(bound.stage): _effect_key(bound.stage.effect_key)
        for bound in flow.stages
        if bound.stage.effect_key
    }
    last = flow.stages[-1]
    members |= {
        bound.stage.name: _stage_method(bound, flow if bound is last else None) for bound in flow.stages
    }
    name = "".join(word.capitalize() for word in document.key.split("-"))
    made: type[Automation] = type(name, (Automation,), members)
    if document.session is not None:
        made.session = _session(document.session, document.targets, made)
    return made


def _session(
    session: Session, targets: Mapping[str, TargetData], automation: type[Automation]
) -> SignedInSession:
    def filled(text: str) -> Said:
        if not any(template(text).variables):
            return text
        return lambda params: Variables(automation(params), {}).text(text)

    wanted = session.probe.target
    described = targets[wanted.root] if isinstance(wanted, TargetName) else wanted
    return declared_session(session, Target(**described.as_json()), filled)


def _stage_method(bound: BoundStage, flow: Flow | None) -> StageMethod:
    """The method of one stage; the last one, which is given the flow, returns the result."""

    async def run(self: Automation, page: Page) -> Any:
        variables = Variables(self, {})
        steps = Steps(page, variables, bound.targets)
        if bound.stage.when is None or await steps.applies(bound.stage.when):
            await steps.make(bound.stage.steps)
        return _result(flow, variables) if flow is not None else None

    run.__name__ = run.__qualname__ = bound.stage.name
    key = _key_method(bound.stage) if bound.stage.effect_key else ""
    return stage(effect=bound.stage.effect, title=bound.stage.title, effect_key=key)(run)


def _sites_of(sites: Sequence[str]) -> Any:
    def sites_of(cls: type[Automation], params: Any) -> list[str]:
        variables = Variables(cls(params), {})
        return [variables.text(site) for site in sites]

    return classmethod(sites_of)


def _slot_keys(keys: Mapping[str, int]) -> Any:
    def slot_keys(cls: type[Automation], params: Any) -> dict[str, int]:
        variables = Variables(cls(params), {})
        return {variables.text(name): most for name, most in keys.items()}

    return classmethod(slot_keys)


def _key_method(stage: Stage) -> str:
    return f"effect_key_of_{stage.name}"


def _effect_key(words: str) -> Callable[[Automation], str]:
    def key(self: Automation) -> str:
        return Variables(self, {}).text(words)

    return key


def _result(flow: Flow, variables: Variables) -> dict[str, Any] | None:
    """The declared result as read; the Result model converts and judges it. None when nothing is declared."""
    if not flow.document.result:
        return None
    found: dict[str, Any] = {}
    for name, spec in flow.document.result.items():
        value = variables.value(spec.value)
        if spec.items is not None:
            value = _records(value, spec.items)
        found[name] = value
    return found


def _records(value: Any, items: dict[str, ItemField]) -> Any:
    if isinstance(value, list):
        return [_records(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    picked = {name: spec.from_ or name for name, spec in items.items()}
    return {name: value[column] for name, column in picked.items() if column in value}


def _state_model(flow: Flow) -> type[BaseModel]:
    names = dict.fromkeys(name for bound in flow.stages for name in _kept(bound.stage.steps))
    if not names:
        return NoData
    fields: dict[str, Any] = dict.fromkeys(names, (Any, None))
    return create_model("State", **fields)


def _kept(steps: list[Any]) -> list[str]:
    """The names under which steps keep what they read, inner steps included."""
    found: list[str] = []
    for step in steps:
        found += [name for key in ("into", "add_to") if (name := getattr(step, key, None)) is not None]
        found += _kept(getattr(step, "steps", []))
    return found
