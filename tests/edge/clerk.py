"""What the office does (`tests.edge.office`): each function is an order, its result the answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count, Sum

from automations.models import Automation, Customer
from automations.services.registry import register_python_automations
from intake import tasks
from intake.models import DeadLetter, Event, Source, SourceSecret
from intake.services import edge_control, edge_letters
from intake.services.ledger import conservation
from intake.services.source_input import SourceInput
from intake.services.sources import create_source, end_secret, rotate_secret
from intake.services.triggers import TriggerInput, create_trigger
from runs.models import Run
from tests.edge.office import TARGET

ACTOR = "command"
AUTOMATION = "page-snapshot"


def open_source(*, secrets: list[str] | None = None, **said: Any) -> str:
    """Make a source, with a trigger that starts a run for each event of it; returns the secret made for it."""
    register_python_automations()
    customer, _ = Customer.objects.get_or_create(key="main")
    source, secret = create_source(
        wanted=SourceInput(customer=customer, rate="high", **said), actor=ACTOR, secrets=secrets or ()
    )
    wanted = TriggerInput(
        source=source,
        name="Each",
        automation=Automation.objects.get(key=AUTOMATION),
        mapping=f"{{url: join('', ['{TARGET}', id])}}",
    )
    create_trigger(wanted=wanted, actor=ACTOR)
    return secret


def tell_worker_alone(slug: str, secret: str) -> None:
    """Have the Worker take webhooks of a GitHub source that the origin does not know."""
    config = {"v": 1, "enabled": True, "scheme": "github", "options": {}}
    told = edge_control.order(
        "sources/put", {"sources": [{"source": slug, "config": config, "secrets": [secret]}]}
    )
    assert told == {"written": 1}


def sync() -> None:
    """Tell the Worker of the sources."""
    call_command("edge", "sync")


def status() -> dict[str, Any]:
    """How the Worker is."""
    return edge_letters.edge_status()


def redrive() -> int:
    """Have the Worker send its dead letters again; returns how many it sent."""
    return edge_letters.redrive(actor=ACTOR, dry_run=False).sent


def rotate(slug: str) -> str:
    """Give a source another secret beside its first one; returns it."""
    return rotate_secret(source=Source.objects.get(slug=slug), actor=ACTOR)[1]


def end_oldest_secret(slug: str) -> bool:
    """End the secret a source had first."""
    return end_secret(secret=SourceSecret.objects.filter(source__slug=slug).order_by("pk")[0], actor=ACTOR)


def used_secrets(slug: str) -> int:
    """How many secrets of a source were found to be in use."""
    return SourceSecret.objects.filter(source__slug=slug, last_used_at__isnull=False).count()


def route() -> int:
    """Route until nothing is pending, as tickets and the sweeper would; returns how many events."""
    routed = 0
    while done := tasks.route_events():
        routed += done
    return routed


def letters() -> list[dict[str, Any]]:
    """What the console lists as dead letters, the open ones first."""
    return [
        {
            "slug": letter.slug,
            "reason": letter.reason,
            "redrives": letter.redrives,
            "is_open": letter.delivered_at is None,
        }
        for letter in DeadLetter.objects.order_by("delivered_at", "slug")
    ]


@transaction.atomic
def facts() -> dict[str, Any]:
    """What is stored, what was counted, and what was started, all at one moment."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    books = conservation()
    runs = Run.objects.filter(cause_ref__startswith="event:")
    return {
        **asdict(books),
        "is_balanced": books.is_balanced,
        "events": Event.objects.count(),
        "blobs": Event.objects.filter(blob__isnull=False).count(),
        "tried_again": Event.objects.filter(edge_attempts__gt=1).count(),
        "counted_again": Event.objects.aggregate(times=Sum("duplicates", default=0))["times"],
        "letters": DeadLetter.objects.count(),
        "runs": runs.count(),
        "events_with_two_runs": runs.values("cause_ref").annotate(n=Count("pk")).filter(n__gt=1).count(),
    }
