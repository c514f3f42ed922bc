"""Flow documents in the database: immutable versions, published, compared, rolled back, run on any node."""

from __future__ import annotations

import pytest

from automations.errors import (
    DefinitionError,
    FlowKeyTakenError,
    FlowRefusedError,
    ParamsInvalidError,
    UnknownFlowError,
)
from automations.models import Automation, AutomationVersion
from automations.services import flows, registry
from automations.services.params import check_params
from infra_shared.models import AuditLine
from runs.models import Attempt
from runs.services import dispatching, nodes
from runs.services.claims import claim_attempt
from tests.support import sample

pytestmark = pytest.mark.django_db

LOOK = """key: look
title: Look at a page
params:
  city: {max_length: 20}
  base_url: {type: url, default: "https://example.com"}
stages:
  - name: look
    effect: read
    steps:
      - goto: "{{ params.base_url }}/{{ params.city }}"
"""
LONGER = LOOK + "      - goto: https://example.com/again\n"
ACTOR = "operator:anna"
SHARED = """kind: shared
key: knock
stages:
  - {name: knock, effect: read, steps: [{goto: "https://example.com/one"}]}
"""
INCLUDING = LOOK.replace("stages:\n", "stages:\n  - include: knock\n")


def publish(text: str) -> AutomationVersion:
    return flows.publish_flow(text=text, actor=ACTOR)


def published() -> int:
    return flows.version_of(key="look").number


def test_a_published_document_can_be_run_and_is_checked_like_any_automation() -> None:
    version = publish(LOOK)

    automation = Automation.objects.runnable().get()
    assert (automation.kind, automation.title, version.number) == ("flow", "Look at a page", 1)
    assert version.stages == [{"name": "look", "title": "Look", "effect": "read"}]
    given = check_params(version=version, params={"city": "Riga"})
    assert given == {"city": "Riga", "base_url": "https://example.com"}
    with pytest.raises(ParamsInvalidError) as caught:
        check_params(version=version, params={"city": "x" * 30, "town": 1})
    assert {problem.field for problem in caught.value.problems} == {"city", "town"}


def test_a_change_is_the_next_version_and_the_same_text_is_the_same_version() -> None:
    first, second = publish(LOOK), publish(LONGER)

    assert (first.number, second.number, published()) == (1, 2, 2)
    assert publish(LOOK).pk == first.pk
    assert published() == 1
    assert AutomationVersion.objects.count() == 2


def test_a_saved_version_runs_only_once_it_is_published() -> None:
    publish(LOOK)

    saved = flows.save_flow(text=LONGER, actor=ACTOR)

    assert published() == 1
    assert flows.publish_version(version=saved, actor=ACTOR)
    assert published() == 2


def test_a_roll_back_publishes_an_earlier_version_and_says_who_did_it() -> None:
    publish(LOOK)
    publish(LONGER)

    flows.roll_back(key="look", number=1, actor=ACTOR, reason="the site changed back")

    assert published() == 1
    line = AuditLine.objects.filter(action="flow.roll_back").get()
    assert (line.actor, line.object_id, line.details["version"]) == (ACTOR, "look", 1)
    with pytest.raises(UnknownFlowError, match="no version 7"):
        flows.roll_back(key="look", number=7, actor=ACTOR)


def test_a_document_with_problems_leaves_nothing_behind() -> None:
    with pytest.raises(FlowRefusedError) as caught:
        publish(LOOK.replace("params.city }}", "params.town }}"))

    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("stages[0].steps[0].goto", 10)
    assert not Automation.objects.exists()
    assert flows.check_flow(text=LOOK) == []


def test_a_diff_shows_what_a_text_would_change() -> None:
    publish(LOOK)

    assert flows.diff_flow(key="look", text=LOOK) == ""
    assert "+      - goto: https://example.com/again" in flows.diff_flow(key="look", text=LONGER).splitlines()


def test_a_version_keeps_what_it_included_when_the_shared_document_changes() -> None:
    publish(SHARED)
    before = publish(INCLUDING)

    publish(SHARED.replace("/one", "/two"))
    after = publish(INCLUDING)

    assert (before.number, after.number) == (1, 2)
    assert "/one" in before.included["knock"]
    assert "-  - {name: knock" in flows.diff_versions(old=before, new=after)
    code = registry.code_for(before)
    assert code is not None
    assert [stage.name for stage in code.stages()] == ["knock", "look"]


def test_what_is_shared_is_no_automation() -> None:
    publish(SHARED)

    assert not Automation.objects.runnable().exists()
    assert not Automation.objects.get(key="knock").is_runnable


def test_a_key_belongs_to_one_kind(version: AutomationVersion) -> None:
    with pytest.raises(FlowKeyTakenError, match="sample"):
        publish(LOOK.replace("key: look", "key: sample"))


def test_code_cannot_take_the_key_of_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(LOOK.replace("key: look", "key: sample"))

    with pytest.raises(DefinitionError, match="belongs to a document"):
        sample.install(monkeypatch)


def test_a_node_that_never_heard_of_a_flow_takes_its_run(version: AutomationVersion) -> None:
    process = sample.start_process(version)
    flow_version = publish(LOOK)
    run = sample.ask(automation="look", params={"city": "Riga"})

    assert nodes.can_take(run=run)
    assert dispatching.dispatch_due_attempts() == 1
    claim = claim_attempt(
        attempt_id=Attempt.objects.get(run=run).pk,
        process_id=process.pk,
        process_name="node-1/1",
        versions=[version.digest],
    )
    assert claim is not None
    assert registry.code_for(flow_version) is registry.code_for(flow_version)
