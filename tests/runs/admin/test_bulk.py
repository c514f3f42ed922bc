"""Many runs at once, and nodes that are asked to leave, by operators of each role."""

from __future__ import annotations

import pytest
from django.urls import reverse

from automations.models import Customer
from infra_shared.models import AuditLine
from runs.models import BulkOrder, Node, Run, WorkerProcess
from runs.services.bulk_work import work_on
from runs.states import RunState
from tests.support.operators import in_role
from tests.support.runs_factory import make_factory

pytestmark = pytest.mark.django_db
CANCEL = "/admin/runs/run/bulk/cancel/"


@pytest.fixture
def factory():
    return make_factory()


def test_an_operator_sees_what_is_meant_then_orders_it_and_watches(factory):
    runs = [factory.requested() for _ in range(2)]
    client = in_role("Operator")

    listed = client.get("/admin/runs/run/?state__exact=queued").content.decode()
    asked = client.get(f"{CANCEL}?state__exact=queued").content.decode()
    given = client.post(f"{CANCEL}?state__exact=queued", {"reason": "wrong params"}, follow=True)
    order = BulkOrder.objects.get()
    work_on(order_id=order.pk)
    done = client.get(reverse("admin:runs_bulkorder_live", args=[order.pk]))

    assert "/admin/runs/run/bulk/cancel/?state__exact=queued" in listed
    assert "2 runs would be cancelled" in asked
    assert "0 of 2 runs" in given.content.decode()
    assert done.status_code == 286
    assert "2 of 2 runs" in done.content.decode()
    assert {Run.objects.get(pk=run.pk).state for run in runs} == {RunState.CANCELLED}
    assert AuditLine.objects.get(action="run.bulk_cancel").reason == "wrong params"


def test_an_order_is_about_runs_within_reach_alone(factory):
    Customer.objects.create(key="other")
    mine, foreign = factory.requested(), factory.requested(customer="other")
    client = in_role("Operator", customers=["main"])

    client.post(f"{CANCEL}?state__exact=queued", {"reason": ""})
    work_on(order_id=BulkOrder.objects.get().pk)

    assert Run.objects.get(pk=mine.pk).state == RunState.CANCELLED
    assert Run.objects.get(pk=foreign.pk).state == RunState.QUEUED
    stranger = in_role("Operator", customers=["other"], name="stranger")
    assert stranger.get(f"/admin/runs/bulkorder/{BulkOrder.objects.get().pk}/change/").status_code == 404


def test_not_even_the_key_of_a_customer_out_of_reach_is_told(factory):
    other = Customer.objects.create(key="secretive-bank")

    asked = in_role("Operator", customers=["main"]).get(f"{CANCEL}?customer__id__exact={other.pk}")

    assert "No run is meant" in asked.text
    assert "secretive-bank" not in asked.text


def test_a_viewer_orders_nothing_and_is_offered_nothing(factory):
    client = in_role("Viewer")

    assert "bulk/cancel" not in client.get("/admin/runs/run/?state__exact=queued").content.decode()
    assert client.post(f"{CANCEL}?state__exact=queued", {"reason": ""}).status_code == 403
    assert not BulkOrder.objects.exists()


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("attention=open", ["Rerun"]),
        ("state__exact=running", ["Cancel"]),
        ("state__in=failed,running", ["Rerun", "Cancel"]),
        ("q=shop", ["Rerun", "Cancel"]),
    ],
)
def test_what_has_ended_is_offered_no_cancelling_and_what_has_not_no_rerun(query, offered):
    tools = in_role("Operator").get(f"/admin/runs/run/?{query}").context["tools"]

    assert [title for title, _ in tools] == [f"{word} these runs" for word in offered]


@pytest.mark.parametrize(
    ("query", "words"), [("params__x=1", "cannot be narrowed by params__x"), ("", "Say which runs")]
)
def test_a_filter_that_cannot_be_kept_is_refused(factory, query, words):
    answer = in_role("Operator").get(f"{CANCEL}?{query}", follow=True)

    assert words in answer.content.decode()
    assert not BulkOrder.objects.exists()


def test_a_drained_node_is_given_no_work_and_says_so(factory):
    node = Node.objects.get()
    client, page = in_role("Operator"), f"/admin/runs/node/{node.pk}/change/"

    assert "Drain it" in client.get(page).content.decode()
    client.post(f"/admin/runs/node/{node.pk}/drain/", {"reason": "new kernel"})

    shown = client.get(page).content.decode()
    assert "asked by operator" in shown
    assert "Drain it" not in shown
    assert not WorkerProcess.objects.free(node.heartbeat_at).exists()
    assert AuditLine.objects.get(action="node.drain").reason == "new kernel"
    assert in_role("Viewer").post(f"/admin/runs/node/{node.pk}/drain/", {}).status_code == 403


def test_a_node_is_drained_only_by_who_reaches_every_customer_and_shows_no_run_of_others(factory):
    Customer.objects.create(key="other")
    run, node = factory.running(), Node.objects.get()
    WorkerProcess.objects.update(current_attempt=run.attempts.get())
    stranger = in_role("Operator", customers=["other"], name="stranger")

    shown = stranger.get(f"/admin/runs/node/{node.pk}/change/").text

    assert str(run.pk) in in_role("Operator").get(f"/admin/runs/node/{node.pk}/change/").text
    assert "a run out of your reach" in shown
    assert str(run.pk) not in shown
    assert "Drain it" not in shown
    assert stranger.post(f"/admin/runs/node/{node.pk}/drain/", {"reason": "x"}).status_code == 403
    assert Node.objects.get().draining_since is None
