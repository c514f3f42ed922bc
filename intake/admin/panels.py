"""What the overview says about webhooks: whether everything that came is somewhere, and what stands still."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from infra_shared.counting import counted_up_to
from infra_shared.overview import Panel, register
from infra_shared.reach import customers_of
from intake.admin.dead_letters import OPEN_QUERY
from intake.admin.event_filters import LATE_AFTER, LATE_QUERY
from intake.models import Event, Source
from intake.services.ledger import conservation
from intake.states import EventState

if TYPE_CHECKING:
    from django.http import HttpRequest

DAYS = 7
MOST_COUNTED = 1_000


def _webhooks(request: HttpRequest) -> dict[str, Any]:
    customers, now = customers_of(request.user), timezone.now()
    inbox = reverse("admin:intake_event_changelist")
    sources = Source.objects.for_customers(customers)
    late_events = Event.objects.for_customers(customers).late(now - LATE_AFTER)
    is_used, late = counted_up_to(MOST_COUNTED, sources, late_events)
    if not is_used:
        return {"new_url": reverse("admin:intake_source_changelist")}
    ledger = conservation(customers=customers, first_day=(now - timedelta(days=DAYS - 1)).date())
    return {
        "ledger": ledger,
        "days": DAYS,
        "answered": [
            ("stored", ledger.stored, f"{inbox}?when=7d"),
            ("came twice", ledger.duplicate, ""),
            ("rejected", ledger.rejected, ""),
        ],
        "placed": [
            (state.label.lower(), getattr(ledger, state.value), f"{inbox}?state__exact={state.value}&when=7d")
            for state in (EventState.ROUTED, EventState.FAILED, EventState.IGNORED, EventState.PENDING)
        ],
        "letters_url": f"{reverse('admin:intake_deadletter_changelist')}?{OPEN_QUERY}",
        "late": late,
        "late_url": f"{inbox}?{LATE_QUERY}",
        "more_url": inbox,
    }


register(
    Panel(
        title="Webhooks",
        template="review/panels/webhooks.html",
        facts=_webhooks,
        permission="intake.view_event",
        order=42,
    )
)
