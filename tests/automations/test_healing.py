"""Heal proposals: counted while runs agree, adopted into what runs next, refused for good; nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from automations.definitions import define
from automations.errors import HealDecidedError, HealMootError
from automations.models import Automation, HealProposal, HealState, TargetFingerprint
from automations.services import flows, healing, registry
from automations.services.fingerprints import MOST_OF_ONE_AUTOMATION, Sighting, known_fingerprints, learn
from automations.services.source_places import places_of
from infra_shared.ids import uuid7
from infra_shared.models import AuditLine
from tests.support import healing_sample, sample
from webgraph.fingerprint import key_of
from webgraph.target import Target

pytestmark = pytest.mark.django_db

ACTOR = "operator:anna"
OLD = {"css": ["#send"], "role": "button", "name": "Send"}
NEW = {**OLD, "css": ["form > button", "#send"]}
SEEN = {"role": "button", "name": "Send", "namesakes": 0, "box": [1, 2, 3, 4, 1280, 800]}
SEND = "      - click: {css: '#send', role: button, name: Send} # the only one\n"
FLOW = f"key: order\nstages:\n  - name: order\n    effect: idempotent\n    steps:\n{SEND}"
SHARED = f"kind: shared\nkey: sending\nstages:\n  - name: send\n    effect: idempotent\n    steps:\n{SEND}"


def heal(new: dict[str, Any] = NEW, **changes: Any) -> healing.SeenHeal:
    given = {
        "key": key_of("order", "order", Target(**OLD)),
        "stage": "order",
        "description": "Click “Send”",
        "tier": "axtree",
        "old": OLD,
        "new": new,
        "seen": SEEN,
        "picture": uuid7(),
    }
    return healing.SeenHeal(**{**given, **changes})


def seen_by_a_run(*heals: healing.SeenHeal, key: str = "order") -> HealProposal:
    automation = Automation.objects.get(key=key)
    return healing.note_heals(automation_id=automation.pk, run_id=uuid7(), heals=heals or [heal()])[0]


@pytest.fixture
def flow(db: None) -> Automation:
    return flows.publish_flow(text=FLOW, actor=ACTOR).automation


def test_runs_that_agree_are_counted_in_one_proposal_and_others_against_it(flow: Automation) -> None:
    other = heal({**OLD, "css": ["button", "#send"]})

    proposal = seen_by_a_run()
    seen_by_a_run(heal(), heal())
    seen_by_a_run(other)

    proposal.refresh_from_db()
    assert (proposal.state, proposal.agreed, proposal.disagreed) == (HealState.OPEN, 2, 1)
    assert HealProposal.objects.count() == 2
    assert flows.version_of(key="order").number == 1


def test_an_adopted_proposal_changes_the_document_and_keeps_its_comments(flow: Automation) -> None:
    proposal = seen_by_a_run()

    healing.adopt(proposal_id=proposal.pk, actor=ACTOR, reason="The shop was redesigned.")

    version = flows.version_of(key="order")
    assert version.number == 2
    assert version.source == FLOW.replace("css: '#send'", 'css: ["form > button", "#send"]')
    proposal.refresh_from_db()
    assert (proposal.state, proposal.adopted_version) == (HealState.ADOPTED, version)
    assert AuditLine.objects.filter(action="heal.adopt", actor=ACTOR, object_id="order").exists()


def test_after_adoption_the_target_is_known_as_it_looks_now(flow: Automation) -> None:
    proposal = seen_by_a_run()
    older = Sighting(key=proposal.target_key, sight={**SEEN, "id": "send"}, picture=None)
    learn(automation_id=flow.pk, run_id=uuid7(), sightings=[older])

    healing.adopt(proposal_id=proposal.pk, actor=ACTOR)

    now = known_fingerprints(automation_id=flow.pk)[key_of("order", "order", Target(**NEW))]
    assert now == {**SEEN, "successes": 1}


def test_a_target_in_a_shared_document_is_changed_there(db: None) -> None:
    flows.publish_flow(text=SHARED, actor=ACTOR)
    text = "key: order\nstages:\n  - include: sending\n"
    flows.publish_flow(text=text, actor=ACTOR)

    healing.adopt(proposal_id=seen_by_a_run().pk, actor=ACTOR)

    version = flows.version_of(key="order")
    assert (version.number, version.source) == (2, text)
    assert "form > button" in version.included["sending"]
    assert flows.version_of(key="sending").number == 2


def test_what_was_refused_is_not_proposed_again(flow: Automation) -> None:
    proposal = seen_by_a_run()

    healing.refuse(proposal_id=proposal.pk, actor=ACTOR, reason="That is the newsletter's button.")
    seen_by_a_run()

    assert HealProposal.objects.get().state == HealState.REFUSED
    with pytest.raises(HealDecidedError, match="refused already, by operator:anna"):
        healing.adopt(proposal_id=proposal.pk, actor=ACTOR)


def test_a_target_that_the_document_puts_together_is_not_proposed(flow: Automation) -> None:
    made = {"css": ["#row-17"]}

    notes = healing.note_heals(automation_id=flow.pk, run_id=uuid7(), heals=[heal(old=made)])

    assert notes == []
    assert not HealProposal.objects.exists()


def test_a_proposal_for_what_the_document_no_longer_says_is_moot(flow: Automation) -> None:
    proposal = seen_by_a_run()
    flows.publish_flow(text=FLOW.replace("#send", "#dispatch"), actor=ACTOR)
    proposal = HealProposal.objects.get()

    assert healing.is_moot(proposal)
    with pytest.raises(HealMootError, match="order v2 no longer says this target"), transaction.atomic():
        healing.adopt(proposal_id=proposal.pk, actor=ACTOR)
    proposal.refresh_from_db()
    assert proposal.state == HealState.OPEN


def test_after_a_roll_back_the_same_heal_is_proposed_again(flow: Automation) -> None:
    proposal = seen_by_a_run()
    healing.adopt(proposal_id=proposal.pk, actor=ACTOR)
    with pytest.raises(HealDecidedError, match="Roll that version back"):
        healing.refuse(proposal_id=proposal.pk, actor=ACTOR)

    flows.roll_back(key="order", number=1, actor=ACTOR)
    seen_by_a_run()

    assert HealProposal.objects.get().state == HealState.OPEN


def test_an_automation_in_code_is_overridden_until_its_source_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = sample.install(monkeypatch, healing_sample.Ordering)
    proposal = seen_by_a_run(key="ordering")
    assert healing.overrides_for(version=version) == {}

    healing.adopt(proposal_id=proposal.pk, actor=ACTOR)

    assert healing.overrides_for(version=version) == {proposal.target_key: NEW}
    assert not healing.is_moot(HealProposal.objects.get())
    changed = define(healing_sample.Ordering)
    sample.publish(
        monkeypatch, replace(changed, source=changed.source.replace("#send", "#go"), digest="9" * 64)
    )
    assert healing.is_moot(HealProposal.objects.get())


def test_an_override_that_is_refused_later_is_applied_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    version = sample.install(monkeypatch, healing_sample.Ordering)
    proposal = seen_by_a_run(key="ordering")
    healing.adopt(proposal_id=proposal.pk, actor=ACTOR)

    healing.refuse(proposal_id=proposal.pk, actor=ACTOR)

    assert healing.overrides_for(version=version) == {}


def test_an_override_gives_way_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    version = sample.install(monkeypatch, healing_sample.Ordering)
    first = seen_by_a_run(key="ordering")
    healing.adopt(proposal_id=first.pk, actor=ACTOR)
    second = seen_by_a_run(heal({**OLD, "css": [".go", "#send"]}), key="ordering")

    healing.adopt(proposal_id=second.pk, actor=ACTOR)

    first.refresh_from_db()
    assert first.state == HealState.SUPERSEDED
    assert healing.overrides_for(version=version) == {second.target_key: second.new_target}
    assert seen_by_a_run(key="ordering").state == HealState.OPEN


def test_the_line_of_source_to_change_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    version = sample.install(monkeypatch, healing_sample.Ordering)

    [place] = places_of(version, old=OLD, new=NEW)

    line = version.source.splitlines()[place.line - 1]
    assert place.file == "tests/support/healing_sample.py"
    assert place.before in line
    assert place.after == place.before.replace('"#send"', '("form > button", "#send")')
    assert places_of(version, old={"css": ["#row-1"]}, new=NEW) == []


def test_fingerprints_keep_what_stayed_the_same_and_are_bounded(flow: Automation) -> None:
    first, second = {**SEEN, "id": "a", "tag": "button"}, {**SEEN, "id": "b", "tag": "button"}
    for sight in (first, second):
        learn(
            automation_id=flow.pk,
            run_id=uuid7(),
            sightings=[Sighting(key="order/order/1", sight=sight, picture=None)],
        )
    many = [
        Sighting(key=f"order/order/x{n}", sight=SEEN, picture=None) for n in range(MOST_OF_ONE_AUTOMATION)
    ]

    known = known_fingerprints(automation_id=flow.pk)["order/order/1"]
    learn(automation_id=flow.pk, run_id=uuid7(), sightings=many)

    assert known == {**SEEN, "tag": "button", "successes": 2}
    assert TargetFingerprint.objects.count() == MOST_OF_ONE_AUTOMATION
    assert not TargetFingerprint.objects.filter(key="order/order/1").exists()


def test_proposals_of_one_automation_are_bounded(flow: Automation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "MOST_OPEN", 1)

    seen_by_a_run()
    noted = healing.note_heals(
        automation_id=flow.pk, run_id=uuid7(), heals=[heal({**OLD, "css": ["button"]})]
    )

    assert noted == []
    assert registry.code_for(flows.version_of(key="order")) is not None
