"""Every action of an operator, a key or a command leaves a line in the audit log, or it is named here why not.

The walk finds the actions by itself: whatever console page, endpoint or command is added later is judged as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command

from config.api import api
from infra_shared.admin.base import ConsoleAdmin
from infra_shared.models import AuditLine
from runs.models import Transition
from tests.support.call_graph import edges, looks_at, name_of, reaches
from tests.support.operators import in_role

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = "infra_shared.services.audit:record"
SHOWS = frozenset(
    {
        "show",
        "list",
        "check",
        "verify",
        "diff",
        "status",
        "preview",
        "usage",
        "deletions",
        "reference",
        "artifacts",
        "doctor",
    }
)
"""Verbs of commands that only tell."""
NO_LINE = {
    "intake.api.edge:take_edge_batch": "the edge acts for no person: each event is a row of its own",
    "intake.api.edge:take_dead_letters": "the same: each dead letter is a row of its own",
    "intake.api.triggers:try_trigger": "a trial: nothing is kept",
    "intake.admin.triggers:TriggerAdmin.trial_view": "a trial: nothing is kept",
    "intake.admin.events:EventAdmin.try_view": "a trial: nothing is kept",
    "automations.admin.schedules:SchedulePages.preview_view": "a preview: nothing is kept",
    "automations.admin.flow_import:FlowImportPages.import_flow_view": "opens the editor; saving there has its line",
    "runs.management.commands.artifacts:Command.do_deliver": "brings what waits into the store, as each node does by itself",
    "runs.management.commands.artifacts:Command.do_prune": "what went stands in the deletion ledger, with the actor",
    "runs.management.commands.automations:Command.do_new": "writes a source file for who called it, no row",
    "intake.management.commands.hooks:Command.do_send": "plays a sender towards the edge, changes no row itself",
}
FACTS = {"params-city": "Riga", "customer": "main", "evidence_level": "default"}
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def endpoints() -> Iterator[str]:
    """Each endpoint that writes."""
    for _, router in api._routers:
        for view in router.path_operations.values():
            for operation in view.operations:
                if WRITING & set(operation.methods):
                    yield name_of(operation.view_func)


def pages() -> Iterator[str]:
    """Each page of the console that looks at a form somebody sent, or at how it was asked for."""
    for model_admin in admin.site._registry.values():
        if isinstance(model_admin, ConsoleAdmin):
            views = [name_of(view) for _route, view, _name in model_admin.extra_pages()]
            yield from (view for view in views if looks_at(view, "POST") or looks_at(view, "method"))


def commands() -> Iterator[str]:
    """Each verb of a command that does more than tell."""
    for name in edges():
        module, _, verb = name.partition(":Command.do_")
        if ".management.commands." in module and verb and verb not in SHOWS:
            yield name


@pytest.mark.parametrize(("actions", "least"), [(endpoints, 10), (pages, 40), (commands, 20)])
def test_every_action_leaves_a_line_in_the_audit_log(actions, least) -> None:
    found = set(actions())

    assert len(found) >= least
    assert {name for name in found if not reaches(name, RECORD)} - NO_LINE.keys() == set()


def test_what_is_excused_is_there_and_still_writes_no_line() -> None:
    excused = {name for name in NO_LINE if name in edges() and not reaches(name, RECORD)}

    assert excused == NO_LINE.keys()


@pytest.mark.django_db
def test_a_run_that_an_operator_or_a_command_asks_for_has_its_line(version) -> None:
    key = version.automation.key
    in_role("Operator").post(f"/admin/automations/automation/{version.automation.pk}/run/", FACTS)
    call_command("automations", "run", key, "--param", "city=Riga")

    lines = AuditLine.objects.filter(action="run.request", details__automation=key)

    assert sorted(line.actor for line in lines) == ["command", "operator:operator"]


@pytest.mark.django_db
def test_a_run_that_a_key_asks_for_says_so_in_its_transitions(caller) -> None:
    run = caller.post("/runs", {"automation": "sample", "params": {"city": "Riga"}}).json()

    first = Transition.objects.filter(run=run["id"]).earliest("pk")

    assert first.actor.startswith("caller:")


@pytest.mark.django_db
def test_changing_a_role_names_what_it_may_do_now(console) -> None:
    role = Group.objects.create(name="Auditor")

    console.post(f"/admin/auth/group/{role.pk}/change/", {"name": "Auditor", "permissions": []})

    line = AuditLine.objects.get(action="role.change")
    assert (line.actor, line.details) == ("operator:anna", {"name": "Auditor", "permissions": []})
    assert console.post(f"/admin/auth/group/{role.pk}/delete/", {"post": "yes"}).status_code == 403
