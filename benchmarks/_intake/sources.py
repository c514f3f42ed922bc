"""The sources the benchmark sends for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automations.models import Automation, Customer
from automations.services.registry import register_python_automations
from benchmarks._intake import edge, origin
from intake.services.source_input import SourceInput
from intake.services.sources import create_source
from intake.services.triggers import TriggerInput, create_trigger

if TYPE_CHECKING:
    from intake.models import Source

ACTOR = "command"
AUTOMATION = "page-snapshot"


@dataclass(frozen=True, slots=True)
class Sources:
    """The source whose webhooks come through the Worker, each to start a run, and its secret."""

    edge: Source
    secret: str


def open_sources(*, site_url: str) -> Sources:
    """Make the source that batches are sent for, and the one behind the Worker with its trigger."""
    register_python_automations()
    customer, _ = Customer.objects.get_or_create(key="main")
    create_source(wanted=SourceInput(slug=origin.SLUG, customer=customer, scheme="github"), actor=ACTOR)
    wanted = SourceInput(slug=edge.SLUG, customer=customer, scheme="github", rate="high")
    source, secret = create_source(wanted=wanted, actor=ACTOR)
    trigger = TriggerInput(
        source=source,
        name="Each",
        automation=Automation.objects.get(key=AUTOMATION),
        mapping=f"{{url: join('', ['{site_url}/?', id])}}",
    )
    create_trigger(wanted=trigger, actor=ACTOR)
    return Sources(source, secret)
