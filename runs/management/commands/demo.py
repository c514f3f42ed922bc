"""`manage.py demo prepare|seed`: what a first look at the system should find."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import transaction

from automations.library import practice_invoices
from automations.models import (
    DEFAULT_CUSTOMER,
    Automation,
    Credential,
    Customer,
    HealProposal,
    Schedule,
    TargetFingerprint,
)
from automations.services.credentials import Binding, bind_credential, set_credential
from automations.services.healing import SeenHeal, note_heals
from automations.services.registry import register_python_automations
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import change_schedule, create_schedule
from infra_shared.database import database_now
from infra_shared.nouns import ACTOR, NounCommand
from runs.demo_history import TROUBLES, past_runs, waiting_run
from runs.management.demo_messages import make_messages
from runs.management.demo_schedules import make_schedules
from runs.models import Artifact, Run
from runs.services.history import insert_history
from runs.services.nodes import live_versions
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause, RunState
from webgraph.fingerprint import key_of
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.practice_site.staff import STAFF_SEED, STAFF_USERNAME
from webgraph.recorder import ArtifactKind, Tier
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from webgraph.target import Target

AUTOMATION = "practice-invoices"
CREDENTIALS = {
    "practice-shop": {"username": DEMO_USERNAME, "password": DEMO_PASSWORD},
    "practice-staff": {"username": STAFF_USERNAME, "password": DEMO_PASSWORD, "totp_seed": STAFF_SEED},
}
SCHEDULE = "Practice shop, every quarter of an hour"
EVERY = timedelta(minutes=15)
FIRST_AFTER = timedelta(seconds=12)
CUSTOMERS = ((DEFAULT_CUSTOMER, "Main"), ("northwind", "Northwind Traders"), ("acme", "Acme Logistics"))
PORTION = 5000
AGREEING_RUNS = 4
HEALS = (
    ("Click", "sign_in", practice_invoices.SIGN_IN, 'button:text-is("Sign in")'),
    ("Download from", "download", practice_invoices.DOWNLOAD_CSV, 'a[href="/invoices.csv"]'),
)
SHOWN_OF_STEPS = (
    ArtifactKind.STEP_PICTURE,
    ArtifactKind.STEP_HTML,
    ArtifactKind.FAILURE_PICTURE,
    ArtifactKind.FAILURE_HTML,
)


class Command(NounCommand):
    help = "Prepare the demo: a credential, a schedule, and one run that fails on a changed layout."

    def prepare_arguments(self, parser: CommandParser) -> None:
        """Arguments of `prepare`."""
        parser.add_argument("--site-url", required=True, help="Where the practice site runs.")

    @transaction.atomic
    def do_prepare(self, site_url: str, **_: Any) -> None:
        """Make what is missing of the demo; may be repeated, also with another address of the practice site."""
        register_python_automations(live_digests=live_versions())
        customer, _created = Customer.objects.get_or_create(key=DEFAULT_CUSTOMER, defaults={"name": "Main"})
        for name, fields in CREDENTIALS.items():
            _credential(name, fields, site_url)
        _schedule(customer, site_url)
        _failed_run(site_url)

    def seed_arguments(self, parser: CommandParser) -> None:
        """Arguments of `seed`."""
        parser.add_argument("--runs", type=int, default=500, help="How many past runs; default 500.")
        parser.add_argument("--seed", type=int, default=7, help="The same seed makes the same history.")

    def do_seed(self, runs: int, seed: int, **_: Any) -> None:
        """Write weeks of believable past runs, of several customers, with failures and one run that needs a person."""
        if runs < 1:
            raise CommandError("Ask for at least one run: --runs 500")
        register_python_automations(live_digests=live_versions())
        found = Automation.objects.filter(key__in=TROUBLES).select_related("latest_version__automation")
        versions = sorted(
            (row.latest_version for row in found if row.latest_version),
            key=lambda version: list(TROUBLES).index(version.automation.key),
        )
        customers = [
            Customer.objects.get_or_create(key=key, defaults={"name": name})[0] for key, name in CUSTOMERS
        ]
        now = database_now()
        written = 0
        past = past_runs(
            versions=versions, customers=customers, count=runs, until=now, seed=seed, seen=_seen()
        )
        while portion := list(islice(past, PORTION)):
            written += insert_history(portion)
            self.say(f"{written} of {runs} runs written")
        insert_history([waiting_run(version=versions[1], customer=customers[0], until=now)])
        self.say("One run waits for a person: see Overview.")
        made = make_schedules(
            automations={version.automation.key: version.automation for version in versions},
            customers={customer.key: customer for customer in customers},
            now=now,
        )
        self.say(f"{made} schedules, one of each kind: see Schedules.")
        heals = _proposed_heals()
        self.say(f"{heals} targets were found another way than written: see Heals.")
        self.say(f"{make_messages(now)} mails, of which some did not arrive: see Outbox.")


def _seen() -> dict[tuple[str, bool], list[list[Artifact]]]:
    """What the steps of the latest real success and failure of each automation kept, in their order."""
    found: dict[tuple[str, bool], list[list[Artifact]]] = {}
    real = Artifact.objects.filter(step__isnull=False, kind__in=SHOWN_OF_STEPS, blob__isnull=False)
    for key in TROUBLES:
        for state in (RunState.SUCCEEDED, RunState.FAILED):
            rows = real.filter(run__automation__key=key, run__state=state)
            newest = rows.order_by("-run_id").first()
            if newest is None:
                continue
            by_step: dict[int | None, list[Artifact]] = {}
            of_attempt = rows.filter(attempt=newest.attempt).select_related("step")
            for artifact in of_attempt.order_by("step__index", "id"):
                by_step.setdefault(artifact.step_id, []).append(artifact)
            found[key, state == RunState.SUCCEEDED] = list(by_step.values())
    return found


def _proposed_heals() -> int:
    """Propose how two targets could be written anew, as the latest successes would; how many proposals there are.

    The pictures are those of a real run, where one succeeded before.
    """
    automation = Automation.objects.get(key=AUTOMATION)
    heals = [_seen_heal(*facts) for facts in HEALS]
    successes = Run.objects.filter(automation=automation, state=RunState.SUCCEEDED).order_by("-id")
    agreeing = list(successes.values_list("pk", flat=True)[:AGREEING_RUNS])
    for run_id in reversed(agreeing):
        note_heals(automation_id=automation.pk, run_id=run_id, heals=heals)
    return HealProposal.objects.open().filter(automation=automation).count()


def _seen_heal(action: str, stage: str, target: Target, selector: str) -> SeenHeal:
    key = key_of(AUTOMATION, stage, target)
    known = TargetFingerprint.objects.filter(key=key).first()
    return SeenHeal(
        key=key,
        stage=stage,
        description=f"{action} {target}",
        tier=Tier.AXTREE,
        old=target.as_json(),
        new=target.model_copy(update={"css": (selector, *target.css)}).as_json(),
        seen=known.sight if known is not None else {"role": target.role, "name": target.name},
        picture=known.picture if known is not None else None,
    )


def _credential(name: str, fields: dict[str, str], site_url: str) -> None:
    """Set it where it is missing. Automations take the practice site's address from a param: so it is bound to that site."""
    row = Credential.objects.defer("fields").filter(name=name).first()
    if row is None:
        set_credential(name=name, fields=fields, binding=Binding(sites=[site_url]), actor=ACTOR)
    elif not row.any_site and origin_of(site_url) not in row.sites:
        binding = Binding(sites=[site_url], customers=row.customers, automations=row.automations)
        bind_credential(name=name, binding=binding, actor=ACTOR)


def _schedule(customer: Customer, site_url: str) -> None:
    existing = Schedule.objects.filter(name=SCHEDULE).first()
    wanted = ScheduleInput(
        name=SCHEDULE,
        automation=Automation.objects.select_related("latest_version__automation").get(key=AUTOMATION),
        customer=customer,
        kind="interval",
        every_seconds=int(EVERY.total_seconds()),
        anchor_at=existing.anchor_at if existing else database_now() + FIRST_AFTER,
        params={"base_url": site_url},
    )
    if existing is None:
        create_schedule(wanted=wanted, actor=ACTOR)
    elif existing.params.get("base_url", "").rstrip("/") != site_url.rstrip("/"):
        change_schedule(schedule=existing, wanted=wanted, actor=ACTOR)


def _failed_run(site_url: str) -> None:
    """Request a run on the site after a redesign, once: its page shows what a failure looks like."""
    params = {"base_url": site_url, "layout": "rotated"}
    if Run.objects.filter(automation__key=AUTOMATION, params__layout="rotated").exists():
        return
    request = RunRequest(automation=AUTOMATION, params=params)
    request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor=ACTOR, cause_ref="demo"))
