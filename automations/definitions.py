"""Automations in code and in documents, read as data: discovery, checking, and the digest that makes a version.

Knows nothing of the database. The digest of one in code is the SHA-256 of its module's source, its schemas, stages and
options, so any change of what it does makes another version.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automations.errors import DefinitionError
from webgraph.documents.compiling import automation_from
from webgraph.documents.reading import read_flow
from webgraph.flow import Automation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from webgraph.documents.shared import SharedDocuments


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Everything the database keeps of one version of an automation."""

    key: str
    title: str
    description: str
    module: str
    source: str
    params_schema: dict[str, Any]
    result_schema: dict[str, Any]
    stages: list[dict[str, str]]
    options: dict[str, Any]
    digest: str
    automation: type[Automation]


def discover(packages: Sequence[str]) -> dict[str, Definition]:
    """Every automation defined in the given packages and their modules, by key.

    Raises DefinitionError for one that cannot run, for a key used twice, and for a package that cannot be imported.
    """
    found: dict[str, Definition] = {}
    for module in _modules(packages):
        for automation in _automations_of(module):
            problems = automation.problems()
            if problems:
                raise DefinitionError(f"{module.__name__}.{automation.__name__}: {' '.join(problems)}")
            if automation.key in found:
                raise DefinitionError(
                    f"The key {automation.key!r} is used by {found[automation.key].module} and {module.__name__}; "
                    "give one of them another key."
                )
            found[automation.key] = define(automation)
    return found


def problems_in(packages: Sequence[str]) -> list[str]:
    """Everything wrong with the automations of the given packages, each as one line; empty when all can run."""
    found = []
    for module in _modules(packages):
        for automation in _automations_of(module):
            name = automation.key or f"{module.__name__}.{automation.__name__}"
            found += [f"{name}: {problem}" for problem in automation.problems()]
    return found


def define(automation: type[Automation]) -> Definition:
    """The definition of one automation class."""
    source = Path(inspect.getsourcefile(automation) or "").read_text(encoding="utf-8")
    facts: dict[str, Any] = {
        "source": source,
        "params_schema": automation.Params.model_json_schema(),
        "result_schema": automation.Result.model_json_schema(),
        "stages": stages_of(automation),
        "options": options_of(automation),
    }
    identity = json.dumps({"key": automation.key, "name": automation.__qualname__, **facts}, sort_keys=True)
    return Definition(
        key=automation.key,
        title=automation.title or automation.key,
        description=inspect.cleandoc(automation.__doc__ or ""),
        module=f"{automation.__module__}:{automation.__qualname__}",
        digest=hashlib.sha256(identity.encode()).hexdigest(),
        automation=automation,
        **facts,
    )


def define_flow(text: str, *, shared: SharedDocuments) -> tuple[Definition, Mapping[str, str]]:
    """The definition of a flow document, and the texts of what it includes, by key.

    Its digest is that of the document and all it includes. Raises FlowDocumentError with everything wrong with it.
    """
    flow = read_flow(text, shared=shared)
    automation = automation_from(flow)
    identity = json.dumps({"flow": text, "included": dict(flow.included)}, sort_keys=True)
    definition = Definition(
        key=automation.key,
        title=automation.title,
        description=flow.document.description,
        module="",
        source=text,
        params_schema=automation.Params.model_json_schema(),
        result_schema=automation.Result.model_json_schema(),
        stages=stages_of(automation),
        options=options_of(automation),
        digest=hashlib.sha256(identity.encode()).hexdigest(),
        automation=automation,
    )
    return definition, flow.included


def stages_of(automation: type[Automation]) -> list[dict[str, str]]:
    """The stages with their declared effects, as JSON."""
    return [
        {"name": stage.name, "title": stage.title, "effect": stage.effect.value if stage.effect else ""}
        for stage in automation.stages()
    ]


def options_of(automation: type[Automation]) -> dict[str, Any]:
    """What the automation declares about how it is run, as JSON."""
    return {
        "queue": automation.queue,
        "deadline_seconds": automation.deadline.total_seconds(),
        "run_deadline_seconds": automation.run_deadline.total_seconds() if automation.run_deadline else None,
        "step_timeout_seconds": automation.step_timeout.total_seconds(),
        "max_attempts": automation.max_attempts,
        "max_concurrent": automation.max_concurrent,
        "sites": list(automation.sites),
        "evidence": automation.evidence.value,
        "credentials": list(automation.credentials),
        "session": _session_of(automation),
        "resume": automation.resume,
        "allow_latest": automation.allow_latest,
        "retryable": {kind.value: worth for kind, worth in automation.retryable.items()},
    }


def _session_of(automation: type[Automation]) -> dict[str, Any] | None:
    declared = automation.session
    if declared is None:
        return None
    return {
        "login": declared.login,
        "credential": declared.credential,
        "max_age_seconds": declared.max_age.total_seconds(),
        "max_failed_logins": declared.max_failed_logins,
    }


def _modules(packages: Iterable[str]) -> Iterator[ModuleType]:
    for name in packages:
        try:
            package = importlib.import_module(name)
            yield package
            for info in pkgutil.walk_packages(getattr(package, "__path__", ()), prefix=f"{name}."):
                yield importlib.import_module(info.name)
        except ImportError as error:
            raise DefinitionError(
                f"The automation package {name!r} cannot be imported ({error}); see AUTOMATION_MODULES."
            ) from error


def _automations_of(module: ModuleType) -> Iterator[type[Automation]]:
    for member in vars(module).values():
        if (
            inspect.isclass(member)
            and issubclass(member, Automation)
            and member.__module__ == module.__name__
        ):
            yield member
