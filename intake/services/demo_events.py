"""A believable week of webhooks for the demo: sources, triggers, events with their runs, dead letters."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from automations.models import Automation, Customer
from infra_shared.database import database_now
from intake.models import DeadLetter, Scheme, Source, Trigger
from intake.services.history import PastEvent, insert_past_events
from intake.services.source_input import SourceInput
from intake.services.sources import create_source, rotate_secret
from intake.services.triggers import TriggerInput, create_trigger
from runs.services.past_runs import PastRun, PastStep
from runs.states import RunState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion

DAYS = 6
AUTOMATION = "page-snapshot"
_BAD_ADDRESS = "url: Input should be a valid URL, relative URL without a base"


@dataclass(frozen=True, slots=True)
class _Sender:
    """One sender of the demo, with what its trigger says."""

    slug: str
    name: str
    customer: str
    scheme: Scheme
    type: str
    noise: str
    trigger: str
    filter: str
    mapping: str
    place: str


_SENDERS = (
    _Sender(
        "release-notes",
        "Release notes",
        "main",
        Scheme.GITHUB,
        "release",
        "watch",
        "Picture of each release",
        "action == 'published'",
        "{url: release.html_url}",
        "release",
    ),
    _Sender(
        "northwind-shop",
        "Northwind's shop",
        "northwind",
        Scheme.SHOPIFY,
        "products/update",
        "carts/update",
        "Check a product's page after a change",
        "",
        "{url: product.html_url}",
        "product",
    ),
)


@dataclass(frozen=True, slots=True)
class _Kinds:
    """A sender of the demo with its rows, and what its trigger starts."""

    sender: _Sender
    source: Source
    trigger: Trigger
    version: AutomationVersion


@transaction.atomic
def seed_demo_events(*, count: int, seed: int, actor: str) -> int:
    """Write `count` past events of two senders, the same for the same seed, and two dead letters; returns how many.

    Zero where they were written before.
    """
    if Source.objects.filter(slug__in=[sender.slug for sender in _SENDERS]).exists():
        return 0
    chance = random.Random(seed)  # noqa: S311 - a demo, not a secret
    automation = Automation.objects.select_related("latest_version__automation").get(key=AUTOMATION)
    now, version = database_now(), automation.latest_version
    assert version is not None  # registered from code just before
    past: list[PastEvent] = []
    for sender in _SENDERS:
        source, trigger = _made(sender, automation, actor)
        kinds = _Kinds(sender, source, trigger, version)
        past += _events(kinds, count=count // len(_SENDERS), until=now, chance=chance)
        _letter(source, now, chance)
    return insert_past_events(sorted(past, key=lambda item: item.received_at))


def _made(sender: _Sender, automation: Automation, actor: str) -> tuple[Source, Trigger]:
    customer, _ = Customer.objects.get_or_create(
        key=sender.customer, defaults={"name": sender.customer.title()}
    )
    wanted = SourceInput(slug=sender.slug, name=sender.name, customer=customer, scheme=sender.scheme.value)
    source = create_source(wanted=wanted, actor=actor)[0]
    rotate_secret(source=source, actor=actor)
    rule = TriggerInput(
        source=source,
        name=sender.trigger,
        automation=automation,
        event_type=sender.type,
        filter=sender.filter,
        mapping=sender.mapping,
    )
    return source, create_trigger(wanted=rule, actor=actor)


def _events(kinds: _Kinds, *, count: int, until: datetime, chance: random.Random) -> Iterator[PastEvent]:
    sender, source = kinds.sender, kinds.source
    step = timedelta(days=DAYS) / max(count, 1)
    for number in range(count):
        received_at = until - timedelta(days=DAYS) + step * number + step * (chance.random() * 0.8)
        kind = chance.choices(("ran", "ignored", "failed"), weights=(6, 3, 1))[0]
        url = f"https://{source.slug}.example/{number + 1}"
        shown = "not an address" if kind == "failed" else url
        body = {"action": "published", sender.place: {"id": 4000 + number, "html_url": shown}}
        is_slow = chance.random() < 0.05
        event_type = sender.noise if kind == "ignored" else sender.type
        yield PastEvent(
            source=source,
            type=event_type,
            body=json.dumps(body).encode(),
            delivery_id=str(UUID(int=chance.getrandbits(128), version=4)),
            received_at=received_at,
            waited=timedelta(seconds=95 if is_slow else chance.uniform(0.3, 2.4)),
            headers=_headers(source, event_type),
            edge_attempts=3 if is_slow else 1,
            repeats=1 if chance.random() < 0.08 else 0,
            trigger=None if kind == "ignored" else kinds.trigger,
            run=_run(kinds.version, source, {"url": url}, chance) if kind == "ran" else None,
            problem=_BAD_ADDRESS if kind == "failed" else "",
        )


def _headers(source: Source, event_type: str) -> list[tuple[str, str]]:
    name, agent = {
        Scheme.GITHUB: ("x-github-event", "GitHub-Hookshot/7f2b1c"),
        Scheme.SHOPIFY: ("x-shopify-topic", "Shopify-Captain-Hook"),
    }[Scheme(source.scheme)]
    return [("content-type", "application/json"), ("user-agent", agent), (name, event_type)]


def _run(
    version: AutomationVersion, source: Source, params: dict[str, Any], chance: random.Random
) -> PastRun:
    seconds = 1.2 * chance.lognormvariate(0, 0.35)
    stage = version.stages[-1]["name"]
    return PastRun(
        version=version,
        customer=source.customer,
        created_at=source.created_at,  # replaced by the moment its event was routed
        waited=timedelta(seconds=chance.uniform(0.2, 1.5)),
        took=timedelta(seconds=seconds),
        state=RunState.SUCCEEDED,
        params=params,
        steps=[PastStep(stage=stage, action="goto", description="Open the page", seconds=seconds)],
    )


def _letter(source: Source, now: datetime, chance: random.Random) -> None:
    """A message the edge gave up on yesterday."""
    dead_at = now - timedelta(hours=chance.uniform(4, 20))
    DeadLetter.objects.create(
        message_id=UUID(int=chance.getrandbits(128), version=4),
        slug=source.slug,
        source=source,
        key=f"delivery:{chance.getrandbits(40):x}",
        reason="The origin answered 413 to it alone: its request is larger than this server reads.",
        scheme=source.scheme,
        content_type="application/json",
        size_bytes=9_940_112,
        sha256=f"{chance.getrandbits(256):064x}",
        edge_attempts=8,
        received_at=dead_at - timedelta(minutes=52),
        dead_at=dead_at,
    )
