"""Flow documents in the console: what the server does with a draft, and whose drafts it takes."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from automations.models import Automation, AutomationVersion
from automations.services import flows
from infra_shared.models import AuditLine
from tests.support.operators import in_role
from tests.webgraph.documents.recordings.test_importing import RECORDED
from webgraph.practice_site.accounts import DEMO_PASSWORD

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
NEW, IMPORT = (
    "/admin/automations/automation/flows/new/",
    "/admin/automations/automation/flows/from-recording/",
)
LOOK = """key: look
title: Look at a page
stages:
  - name: look
    effect: read
    steps:
      - goto: https://example.com/one
"""
TWO = LOOK.replace("/one", "/two")
THREE = LOOK.replace("/one", "/three")


@pytest.fixture
def engineer() -> Client:
    return in_role("Engineer")


@pytest.fixture
def look() -> Automation:
    return flows.publish_flow(text=LOOK, actor="command").automation


def page_of(automation: Automation, page: str = "flow/") -> str:
    return f"/admin/automations/automation/{automation.pk}/{page}"


def send(client: Client, path: str, text: str, do: str, **given: Any) -> Any:
    typed = text.replace("\n", "\r\n")  # as browsers send it
    return client.post(path, {"text": typed, "do": do, "based_on": 0, **given})


def test_a_new_document_is_reviewed_published_and_noted(engineer: Client) -> None:
    review = send(engineer, NEW, LOOK, "review")
    assert "Makes <strong>Look at a page</strong> known" in review.text
    assert not Automation.objects.exists()

    done = send(engineer, NEW, LOOK, "publish", reason="first of its kind")

    version = AutomationVersion.objects.get()
    assert done.url == page_of(version.automation, "change/")
    assert (version.source, version.automation.latest_version) == (LOOK, version)
    line = AuditLine.objects.get(action="flow.publish")
    assert (line.actor, line.object_id, line.reason) == ("operator:engineer", "look", "first of its kind")


def test_the_document_an_editor_starts_with_can_be_published(engineer: Client) -> None:
    assert "It can be published" in engineer.get(NEW).text


def test_a_check_names_each_problem_with_its_line_and_keeps_nothing(engineer: Client) -> None:
    wrong = LOOK.replace("read\n", "reed\n").replace("goto:", "gooto:")

    answer = engineer.post(NEW, {"text": wrong, "do": "check", "based_on": 0}, headers={"HX-Request": "true"})

    assert "2 problems" in answer.text
    assert 'data-line="5"' in answer.text
    assert 'data-line="7"' in answer.text
    assert "<html" not in answer.text
    assert not Automation.objects.exists()


@pytest.mark.parametrize("do", ["check", "review", "publish", "edit"])
def test_a_draft_with_problems_comes_back_as_it_was_typed(engineer: Client, do: str) -> None:
    draft = "\n  <b>&amp; not yaml: [\n"

    answer = send(engineer, NEW, draft, do)

    assert f">\n{draft}</textarea>" in unescape(answer.text.replace("\r", ""))
    assert not Automation.objects.exists()


def test_a_change_shows_what_it_changes_before_it_is_published(engineer: Client, look: Automation) -> None:
    review = send(engineer, page_of(look), TWO, "review", based_on=1)
    assert "1 line added, 1 removed" in review.text
    assert "https://example.com/two" in review.text

    send(engineer, page_of(look), TWO, "publish", based_on=1)

    assert flows.version_of(key="look").source == TWO


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(engineer: Client, look: Automation) -> None:
    flows.publish_flow(text=TWO, actor="operator:berta")

    answers = [send(engineer, page_of(look), THREE, do, based_on=1) for do in ("review", "publish")]

    assert [answer.status_code for answer in answers] == [409, 409]
    for answer in answers:
        assert "Version 2 was published while you were editing, by berta" in answer.text
        assert "https://example.com/three" in answer.text.partition("<textarea")[2]
    assert flows.version_of(key="look").source == TWO
    assert AutomationVersion.objects.count() == 2


def test_the_second_of_two_editors_is_told_while_still_typing(engineer: Client, look: Automation) -> None:
    flows.publish_flow(text=TWO, actor="operator:berta")
    draft = {"text": THREE, "do": "check", "based_on": 1}

    answer = engineer.post(page_of(look), draft, headers={"HX-Request": "true"})

    assert "Version 2 was published meanwhile" in answer.text
    assert "It can be published" not in answer.text


def test_after_a_conflict_the_same_text_goes_on_from_what_is_published(
    engineer: Client, look: Automation
) -> None:
    flows.publish_flow(text=TWO, actor="operator:berta")

    rebased = send(engineer, page_of(look), THREE, "rebase", based_on=1)
    assert 'name="based_on" value="2"' in rebased.text
    send(engineer, page_of(look), THREE, "publish", based_on=2)

    assert flows.version_of(key="look").source == THREE


def test_a_new_document_cannot_take_the_place_of_a_flow_there_is(engineer: Client, look: Automation) -> None:
    answer = send(engineer, NEW, TWO, "publish")

    assert "There is a flow &#x27;look&#x27; already" in answer.text
    assert flows.version_of(key="look").source == LOOK


def test_a_flow_keeps_its_key(engineer: Client, look: Automation) -> None:
    answer = send(engineer, page_of(look), LOOK.replace("key: look", "key: peek"), "publish", based_on=1)

    assert answer.status_code == 422
    assert "its key stays" in answer.text
    assert not Automation.objects.filter(key="peek").exists()


def test_a_roll_back_shows_what_it_brings_back_and_says_who_did_it(
    engineer: Client, look: Automation
) -> None:
    flows.publish_flow(text=TWO, actor="operator:berta")
    path = page_of(look, "versions/1/roll-back/")
    assert path in engineer.get(page_of(look, "versions/1/")).text
    assert "https://example.com/one" in engineer.get(path).text

    engineer.post(path, {"based_on": 2, "reason": "two is gone"})

    assert flows.version_of(key="look").number == 1
    line = AuditLine.objects.get(action="flow.roll_back")
    assert (line.actor, line.reason) == ("operator:engineer", "two is gone")


def test_a_roll_back_decided_before_another_publication_does_nothing(
    engineer: Client, look: Automation
) -> None:
    for text in (TWO, THREE):
        flows.publish_flow(text=text, actor="operator:berta")

    answer = engineer.post(page_of(look, "versions/1/roll-back/"), {"based_on": 2}, follow=True)

    assert "published by somebody else meanwhile" in answer.text
    assert flows.version_of(key="look").number == 3


def test_an_uploaded_recording_opens_in_the_editor_and_is_not_kept(engineer: Client) -> None:
    answer = upload(engineer, RECORDED.encode())

    assert "key: look-at-paid-invoices" in answer.text
    assert "step 26 (click): It uses the secondary mouse button." in answer.text
    assert '<code class="c-code">e_mail_address</code>' in answer.text
    assert 'Not set yet: <code class="c-code">look-at-paid-invoices</code>' in answer.text
    assert DEMO_PASSWORD not in answer.text
    assert not Automation.objects.exists()


def test_a_recording_of_a_flow_there_is_opens_as_a_change_of_it(engineer: Client) -> None:
    text = LOOK.replace("key: look", "key: look-at-paid-invoices")
    known = flows.publish_flow(text=text, actor="command").automation

    answer = upload(engineer, RECORDED.encode())

    assert f'action="{page_of(known)}"' in answer.text
    assert 'name="based_on" value="1"' in answer.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"title": "x", "steps": []}', "no step that a flow can make"),
        (b"<html>", "not valid JSON"),
        (b"\xff\xfe", "not a text in UTF-8"),
        (b" " * (2 * 1024 * 1024 + 1), "larger than 2048 KiB"),
        (b"", "empty"),
    ],
)
def test_what_is_no_recording_is_said_beside_the_file(engineer: Client, content: bytes, words: str) -> None:
    answer = upload(engineer, content)

    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Operator", 403), ("Engineer", 200)])
def test_only_engineers_write_and_everybody_reads(look: Automation, role: str, status: int) -> None:
    client = in_role(role)
    flows.publish_flow(text=TWO, actor="command")
    closed = [NEW, IMPORT, page_of(look), page_of(look, "versions/1/roll-back/")]

    assert {client.get(path).status_code for path in closed} == {status}
    assert "https://example.com/two" in client.get(page_of(look, "versions/2/")).text
    shown = client.get(page_of(look, "change/")).text + client.get("/admin/automations/automation/").text
    assert [path in shown for path in closed[:3]] == [status == 200] * 3


def test_whoever_may_not_write_publishes_nothing(look: Automation) -> None:
    operator = in_role("Operator")
    flows.publish_flow(text=TWO, actor="command")

    answers = [
        send(operator, NEW, LOOK.replace("key: look", "key: peek"), "publish"),
        send(operator, page_of(look), THREE, "publish", based_on=2),
        operator.post(page_of(look, "versions/1/roll-back/"), {"based_on": 2}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert flows.version_of(key="look").number == 2


def test_flows_run_for_every_customer_so_a_partial_reach_does_not_write_them() -> None:
    assert in_role("Admin", customers=["main"]).get(NEW).status_code == 403


def test_the_reference_is_a_page_for_who_sees_automations() -> None:
    text = in_role("Viewer").get("/admin/automations/automation/flows/reference/").text

    assert "for_each" in text
    assert "<!--" not in text.partition("c-prose")[2].partition("</article>")[0]


def upload(client: Client, content: bytes) -> Any:
    file = SimpleUploadedFile("recording.json", content, content_type="application/json")
    return client.post(IMPORT, {"file": file, "effect": "read"})
