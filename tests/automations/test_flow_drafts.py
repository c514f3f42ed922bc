"""Drafts of flow documents: looked at without being kept, published only over what they began from."""

from __future__ import annotations

import pytest

from automations.errors import FlowChangedError, FlowRefusedError
from automations.models import Automation, AutomationVersion
from automations.services import flows
from automations.services.flow_drafts import (
    Draft,
    check_draft,
    publish_draft,
    publisher_of,
    roll_back_from,
)
from tests.automations.test_flows import ACTOR, LONGER, LOOK, SHARED, publish

pytestmark = pytest.mark.django_db


def test_a_draft_begun_before_another_publication_is_refused_and_leaves_nothing() -> None:
    publish(LOOK)
    publish(LONGER)
    draft = Draft(text=LOOK.replace("Look at", "Glance at"), key="look", based_on=1)

    with pytest.raises(FlowChangedError, match="began from version 1, and version 2 is published") as caught:
        publish_draft(draft=draft, actor=ACTOR)

    assert caught.value.published == 2
    assert AutomationVersion.objects.count() == 2
    assert flows.version_of(key="look").source == LONGER


def test_of_two_roll_backs_the_second_is_refused() -> None:
    for text in (LOOK, LONGER):
        publish(text)
    roll_back_from(key="look", number=1, based_on=2, actor=ACTOR)

    with pytest.raises(FlowChangedError):
        roll_back_from(key="look", number=2, based_on=2, actor=ACTOR)

    assert flows.version_of(key="look").number == 1


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (LOOK, "", "There is a flow 'look' already"),
        (LOOK.replace("key: look", "key: peek"), "look", "its key stays"),
        (LOOK.replace("key: look", "key: sample"), "", "another kind (Python)"),
        (SHARED.replace("key: knock", "key: look"), "look", "another kind (Flow document)"),
    ],
)
def test_a_key_that_cannot_be_taken_is_a_problem_of_its_line(
    version: AutomationVersion, text: str, key: str, reason: str
) -> None:
    publish(LOOK)
    draft = Draft(text=text, key=key, based_on=1 if key else 0)

    (problem,) = check_draft(draft).problems

    assert problem.path == "key"
    assert reason in problem.message
    with pytest.raises(FlowRefusedError):
        publish_draft(draft=draft, actor=ACTOR)


def test_a_check_keeps_nothing() -> None:
    assert check_draft(Draft(text=LOOK)).problems == []
    assert not Automation.objects.exists()


def test_the_audit_log_says_who_published_a_version_last() -> None:
    first, second = publish(LOOK), publish(LONGER)
    roll_back_from(key="look", number=1, based_on=2, actor="operator:berta")

    lines = [publisher_of(version) for version in (first, second)]

    assert [line.actor for line in lines if line] == ["operator:berta", ACTOR]
