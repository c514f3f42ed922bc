"""Versions are immutable, numbered, and published without undoing an upgrade."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from automations.definitions import define
from automations.models import Automation, AutomationVersion
from automations.services import registry
from tests.support import sample

if TYPE_CHECKING:
    import pytest

OLD = define(sample.Sample)
NEW = replace(OLD, digest="f" * 64, title="Sample, improved")


def _published() -> int:
    automation = Automation.objects.select_related("latest_version").get(key="sample")
    assert automation.latest_version is not None
    return automation.latest_version.number


def test_registering_twice_makes_one_version(version: AutomationVersion) -> None:
    registry.register_python_automations()

    assert AutomationVersion.objects.count() == 1


def test_new_code_becomes_the_next_version(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.publish(monkeypatch, NEW)

    assert _published() == 2
    assert Automation.objects.get(key="sample").title == "Sample, improved"


def test_an_old_node_that_restarts_does_not_undo_an_upgrade(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.publish(monkeypatch, NEW)
    monkeypatch.setattr(registry, "definitions", lambda: {"sample": OLD})

    registry.register_python_automations(live_digests=[NEW.digest])

    assert _published() == 2


def test_a_roll_back_takes_effect_when_no_live_node_has_the_newer_code(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.publish(monkeypatch, NEW)
    monkeypatch.setattr(registry, "definitions", lambda: {"sample": OLD})

    registry.register_python_automations(live_digests=[])

    assert _published() == 1


def test_code_is_found_only_for_the_very_version(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = sample.publish(monkeypatch, NEW)

    assert registry.code_for(newer) is sample.Sample
    assert registry.code_for(version) is None
    assert registry.latest_code_for(version) is sample.Sample
