"""What a first look at webhooks should find: a source and a trigger that takes a page's picture."""

from __future__ import annotations

import json
from dataclasses import replace

from django.db import transaction

from automations.models import DEFAULT_CUSTOMER, Automation, Customer
from intake.models import Scheme, Source, Trigger
from intake.services.source_input import SourceInput
from intake.services.sources import create_source
from intake.services.triggers import TriggerInput, change_trigger, create_trigger, input_of

SLUG = "demo-github"
TRIGGER = "A page's picture for each push to main"
AUTOMATION = "page-snapshot"


@transaction.atomic
def prepare_demo(*, site_url: str, actor: str) -> Source:
    """The demo's source, made with a secret of its own where it is missing, and its trigger on this practice site.

    May be repeated, also with another address of the site.
    """
    customer, _ = Customer.objects.get_or_create(key=DEFAULT_CUSTOMER, defaults={"name": "Main"})
    source = Source.objects.present().filter(slug=SLUG).first()
    if source is None:
        wanted = SourceInput(
            slug=SLUG, name="GitHub, for a first look", customer=customer, scheme=Scheme.GITHUB.value
        )
        source = create_source(wanted=wanted, actor=actor)[0]
    _trigger(source, site_url, actor)
    return source


def _trigger(source: Source, site_url: str, actor: str) -> None:
    rows = Trigger.objects.present().select_related("source", "automation__latest_version", "pinned_version")
    present = rows.filter(source=source, name=TRIGGER).first()
    # A literal in JSON, which takes any address; JMESPath's other texts end at an apostrophe.
    address = f"`{json.dumps(site_url.rstrip('/') + '/?commit=')}`"
    mapping = f"{{url: join('', [{address}, head_commit.id])}}"
    if present is None:
        automation = Automation.objects.select_related("latest_version").get(key=AUTOMATION)
        wanted = TriggerInput(
            source=source,
            name=TRIGGER,
            automation=automation,
            event_type="push",
            filter="ref == 'refs/heads/main'",
            mapping=mapping,
        )
        create_trigger(wanted=wanted, actor=actor)
    elif present.mapping != mapping:
        change_trigger(trigger=present, wanted=replace(input_of(present), mapping=mapping), actor=actor)
