"""Every page of the console that is about one row, asked for by an operator of other customers: it is not there.

The walk finds the pages by itself: whatever page is added later is judged as well, and needs a row to be asked about.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLResolver, get_resolver

from automations.models import HealProposal
from automations.services.credentials import set_credential
from infra_shared.clock import utc_now
from infra_shared.models import (
    AlertChannel,
    ApiKey,
    AuditLine,
    Deletion,
    OutboxMessage,
    SavedFilter,
    SignedInSession,
)
from infra_shared.services import audit
from infra_shared.services.alert_channels import ChannelInput, add_channel
from infra_shared.services.alerts import alert
from intake.models import DeadLetter
from runs.models import BulkOrder, FailureFamily, Node, Site
from runs.retention_policy import Outcome
from runs.services.limits import set_limit
from runs.services.quotas import set_quota
from runs.services.retention_rules import set_rule
from tests.support import api, intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.django_db
ACTOR = "operator:berta"
NOT_THERE = {403, 404, 405}
SHARED = frozenset(
    {
        "automations/automation/<path:object_id>/change/",
        "automations/automation/<int:pk>/run/",
        "automations/automation/<int:pk>/versions/<int:number>/",
        "runs/node/<path:object_id>/change/",
    }
)
"""Pages of what all customers share; the runs and schedules they show are those within reach."""
NOT_ABOUT_A_ROW = re.compile(
    r"^(?:r/|trace/|automations/schedule/new/|runs/run/bulk/|\^)|/(?:history|delete)/$|/<path:object_id>/$|\)\$$"
)
"""Files of the trace viewer, forms that begin with a choice, and Django's own pages to which nothing here leads."""
LEADS_NOWHERE = frozenset(
    {
        "runs/artifact/<path:object_id>/change/",
        "infra_shared/savedfilter/<path:object_id>/change/",
        "automations/automation/<int:pk>/flow/",
        "automations/automation/<int:pk>/versions/<int:number>/roll-back/",
        "automations/healproposal/<int:pk>/<slug:which>.jpg",
    }
)
"""Not there for anybody about these rows: a Python automation has no flow, and the proposal no picture."""


@pytest.fixture
def rows(world: api.World) -> Mapping[str, Any]:
    """One row for each list of the console, of the customer `main` or of nobody, by the list's address."""
    version, customer, now = world.run.version, world.run.customer, utc_now()
    wanted = ChannelInput(name="Desk", kind=AlertChannel.Kind.WEBHOOK, url="https://desk.example/alerts")
    channel, _ = add_channel(wanted=wanted, actor=ACTOR)
    raised = alert(key="run:sample", title="It failed", text="Again.", customer="main")
    berta = User.objects.create_user("berta")
    api.key(caller="nightly")
    audit.record(
        actor=ACTOR, action="run.pin", object_kind="run", object_id=str(world.run.pk), customer="main"
    )
    return {
        "artifacts": world.artifact,
        "auth/group": Group.objects.create(name="Auditor"),
        "auth/user": berta,
        "automations/automation": version.automation,
        "automations/credential": set_credential(name="shop", fields={"password": "x"}, actor=ACTOR),
        "automations/customer": customer,
        "automations/healproposal": HealProposal.objects.create(
            automation=version.automation,
            version=version,
            stage="look",
            target_key="sample/look/1",
            old_target={},
            new_target={},
            seen={},
            tier="dom",
            first_run=world.run.pk,
            last_run=world.run.pk,
            first_seen_at=now,
            last_seen_at=now,
        ),
        "automations/schedule": world.schedule,
        "filters": SavedFilter.objects.create(
            owner=berta, page="runs_run_changelist", name="Mine", query="q=1"
        ),
        "infra_shared/alert": raised,
        "infra_shared/alertchannel": channel,
        "infra_shared/apikey": ApiKey.objects.get(caller__name="nightly"),
        "infra_shared/auditline": AuditLine.objects.get(action="run.pin"),
        "infra_shared/deletion": Deletion.objects.create(
            at=now, what="run", rule="by age", customer="main", rows=1, actor="system"
        ),
        "infra_shared/outboxmessage": OutboxMessage.objects.create(
            channel="email",
            recipient="desk@example.org",
            state="failed",
            alert=raised,
            alert_channel=channel,
        ),
        "infra_shared/savedfilter": None,
        "infra_shared/signedinsession": SignedInSession.objects.create(
            customer="main", site="https://shop.example", account="buyer"
        ),
        "intake/deadletter": DeadLetter.objects.create(
            message_id=uuid4(),
            slug="shop",
            source=world.trigger.source,
            key="delivery:1",
            reason="The origin answered 400 to it alone.",
            scheme="github",
            size_bytes=12,
            sha256="0" * 64,
            edge_attempts=12,
            received_at=now,
            dead_at=now,
        ),
        "intake/event": world.event,
        "intake/source": world.trigger.source,
        "intake/trigger": world.trigger,
        "runs/artifact": world.artifact,
        "runs/bulkorder": BulkOrder.objects.earliest("pk"),
        "runs/failurefamily": FailureFamily.objects.create(
            automation=version.automation, customer=customer, first_seen_at=now, last_seen_at=now
        ),
        "runs/limit": set_limit(key="site:https://shop.example", most=1, starts_per_minute=None, actor=ACTOR),
        "runs/node": Node.objects.earliest("pk"),
        "runs/pause": world.pause,
        "runs/retentionrule": set_rule(
            kind="trace", outcome=Outcome.SUCCEEDED, customer=customer, keep_days=3, actor=ACTOR
        ),
        "runs/run": world.run,
        "runs/site": Site.objects.create(origin="https://shop.example", changed_at=now - timedelta(days=1)),
        "runs/storagequota": set_quota(customer=customer, most_bytes=5, actor=ACTOR),
    }


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every address of the console that names a row, below `/admin/`."""
    for item in resolver.url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from routes(item, route)
        elif route.startswith("admin/") and "<" in route:
            yield route.removeprefix("admin/")


def address_of(route: str, rows: Mapping[str, Any], world: api.World) -> str:
    """The address of one row's page."""
    # `artifacts/<uuid:pk>/`, and `runs/run/<uuid:pk>/live/`
    named = re.match(r"[a-z_/]+?(?=/<)", route)
    assert named is not None, f"Which row is {route} about?"
    parts: dict[str, Any] = {
        "form": "json",
        "which": "after",
        "number": world.run.version.number,
        "step_pk": world.run.attempts.get().steps.get().pk,
        "secret_pk": world.trigger.source.secrets.get().pk,
        "message_pk": rows["infra_shared/outboxmessage"].pk,
    }
    row = rows[named[0]]
    for name in ("pk", "object_id", "id"):
        parts[name] = getattr(row, "pk", 0)
    return "/admin/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(parts[str(found[1])]), route)


def status_of(client: Client, method: str, address: str) -> int:
    """What is answered; the file below a streamed answer is let go."""
    answer = getattr(client, method)(address)
    for release in answer._resource_closers:
        release()
    return int(answer.status_code)


def test_no_page_about_a_row_is_there_for_an_operator_of_other_customers(rows, world) -> None:
    stranger, everybody = in_role("Admin", customers=["other"]), in_role("Admin", name="head")
    lines = AuditLine.objects.count()
    found = {route for route in routes(get_resolver()) if not NOT_ABOUT_A_ROW.search(route)}

    opened = {
        (route, method)
        for route in found - SHARED
        for method in ("get", "post")
        if status_of(stranger, method, address_of(route, rows, world)) not in NOT_THERE
    }
    closed_to_all = {
        route
        for route in found - LEADS_NOWHERE
        if status_of(everybody, "get", address_of(route, rows, world)) == 404
    }

    assert len(found) > 70
    assert opened == set()
    assert AuditLine.objects.count() == lines
    assert closed_to_all == set(), "then the walk proves nothing of them"


def test_no_list_names_a_row_to_an_operator_of_other_customers(rows) -> None:
    clients = {"stranger": in_role("Admin", customers=["other"]), "head": in_role("Admin", name="head")}
    seen: dict[str, set[str]] = {name: set() for name in clients}

    for name, client in clients.items():
        for place, row in rows.items():
            answer = client.get(f"/admin/{place}/")
            if answer.status_code == 200 and row in answer.context["cl"].result_list:
                seen[name].add(place)

    without_a_list = {"artifacts", "filters", "infra_shared/savedfilter", "runs/artifact"}
    assert seen["stranger"] == {"automations/automation", "runs/node"}
    assert seen["head"] == rows.keys() - without_a_list


def test_a_part_is_not_there_under_the_address_of_another_row(rows, world) -> None:
    head = in_role("Admin", name="head")
    step, message = world.run.attempts.get().steps.get(), rows["infra_shared/outboxmessage"]
    (secret,) = world.trigger.source.secrets.all()
    other_alert = alert(key="run:other", title="Another", text="Again.")
    other_channel, _ = add_channel(
        wanted=ChannelInput(name="Night", kind=AlertChannel.Kind.WEBHOOK, url="https://desk.example/night"),
        actor=ACTOR,
    )

    asked = (
        f"runs/run/{world.asking.pk}/steps/{step.pk}/",
        f"intake/source/{intake.source('another').pk}/secrets/{secret.pk}/end/",
        f"infra_shared/alert/{other_alert.pk}/send-again/{message.pk}/",
        f"infra_shared/alertchannel/{other_channel.pk}/send-again/{message.pk}/",
    )

    for path in asked:
        assert head.post(f"/admin/{path}").status_code == 404, path
    message.refresh_from_db()
    secret.refresh_from_db()
    assert (message.state, secret.valid_until) == ("failed", None)


def test_the_trace_viewer_is_for_who_may_see_artifacts(db) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("nina", is_staff=True))

    assert nobody.get("/admin/trace/index.html").status_code == 403
    assert in_role("Viewer").get("/admin/trace/index.html").status_code == 200
