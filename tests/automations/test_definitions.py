"""Automations in code, read as data."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from automations.definitions import define, discover, problems_in
from automations.errors import DefinitionError
from tests.support.sample import Sample
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from collections.abc import Callable


class Careless(Automation):
    """Says nothing of its effect."""

    key = "careless"

    @stage()
    async def act(self, page: Any) -> None:
        """Act."""


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make an importable module that holds copies of the given automations; returns its name."""

    def make(name: str, *automations: type[Automation]) -> str:
        module = ModuleType(name)
        for number, automation in enumerate(automations):
            copy = type(automation.__name__, (automation,), {"__module__": name})
            setattr(module, f"automation_{number}", copy)
        monkeypatch.setitem(sys.modules, name, module)
        return name

    return make


def test_the_library_can_be_run() -> None:
    assert problems_in(["automations.library"]) == []
    assert {"practice-invoices", "practice-create-invoice", "page-snapshot"} <= set(
        discover(["automations.library"])
    )


def test_an_automation_without_an_effect_is_refused_by_name(package: Callable[..., str]) -> None:
    name = package("careless_automations", Careless)

    assert any("'act' declares no effect" in problem for problem in problems_in([name]))
    with pytest.raises(DefinitionError, match="declares no effect"):
        discover([name])


def test_a_key_used_twice_names_both_modules(
    monkeypatch: pytest.MonkeyPatch, package: Callable[..., str]
) -> None:
    monkeypatch.setattr("automations.definitions.define", _plain)
    names = [package("first_module", Sample), package("second_module", Sample)]

    with pytest.raises(DefinitionError, match=r"first_module.*second_module"):
        discover(names)


def test_a_package_that_is_not_there_names_the_setting() -> None:
    with pytest.raises(DefinitionError, match="AUTOMATION_MODULES"):
        discover(["no_such_package"])


def test_a_definition_holds_what_a_run_needs_to_know() -> None:
    definition = define(Sample)

    assert definition.stages == [
        {"name": "look", "title": "Look", "effect": "read"},
        {"name": "order", "title": "Order", "effect": "commit"},
    ]
    assert definition.params_schema["required"] == ["city"]
    assert definition.options["max_attempts"] == 3


def test_another_option_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = define(Sample).digest

    monkeypatch.setattr(Sample, "max_attempts", 5)

    assert define(Sample).digest != before


def _plain(automation: type[Automation]) -> Any:
    return replace(define(Sample), key=automation.key, module=automation.__module__)
