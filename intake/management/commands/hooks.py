"""`manage.py hooks send|demo|seed`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations.services.registry import register_python_automations
from infra_shared.crypto import DecryptionError
from infra_shared.nouns import ACTOR, NounCommand
from intake.errors import IntakeError
from intake.models import Source
from intake.services.demo import prepare_demo
from intake.services.demo_events import seed_demo_events
from intake.services.trial_deliveries import send_webhook
from runs.services.nodes import live_versions

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

_NAMED = 20


class Command(NounCommand):
    help = "Send a webhook as its sender would: signed with the source's own secret."

    def send_arguments(self, parser: CommandParser) -> None:
        """Arguments of `send`."""
        parser.add_argument("source", help="The source's slug.")
        parser.add_argument("--file", required=True, help="The body, byte for byte; - reads standard input.")
        parser.add_argument(
            "--type", default="", dest="event_type", help="Type of the event, where a header says it."
        )
        parser.add_argument("--delivery", default="", help="Delivery id; the same one twice is one event.")
        parser.add_argument(
            "--url", default="", help="Address of the Worker, where it is not EDGE_WORKER_URL."
        )
        parser.add_argument("--json", action="store_true")

    def do_send(
        self, *, source: str, file: str, event_type: str, delivery: str, url: str, json: bool, **_: Any
    ) -> None:
        """Sign a body and send it, to the Worker or, where there is none, straight to this server."""
        found = Source.objects.present().filter(slug=source).first()
        if found is None:
            known = ", ".join(
                Source.objects.present().order_by("slug").values_list("slug", flat=True)[:_NAMED]
            )
            raise CommandError(f"There is no source {source!r}. There are: {known or 'none'}.")
        try:
            sent = send_webhook(
                source=found, body=_body(file), event_type=event_type, delivery_id=delivery, edge_url=url
            )
        except (IntakeError, DecryptionError) as error:
            raise CommandError(str(error)) from error
        if json:
            self.say_json({name: getattr(sent, name) for name in sent.__dataclass_fields__})
        else:
            way = (
                "through the edge Worker" if sent.through_edge else "without a Worker, as a batch signed here"
            )
            self.say(f"{sent.url}, {way}: {sent.said}\nDelivery {sent.delivery_id}")
        if not sent.is_accepted:
            raise CommandError("The webhook was not accepted.")

    def demo_arguments(self, parser: CommandParser) -> None:
        """Arguments of `demo`."""
        parser.add_argument("--site-url", required=True, help="Where the practice site runs.")

    def do_demo(self, *, site_url: str, **_: Any) -> None:
        """Make the demo's source and trigger where they are missing; may be repeated."""
        source = prepare_demo(site_url=site_url, actor=ACTOR)
        self.say(f"Try it: manage.py hooks send {source.slug} --file docs/examples/github-push.json")

    def seed_arguments(self, parser: CommandParser) -> None:
        """Arguments of `seed`."""
        parser.add_argument("--events", type=int, default=60, help="How many past events; default 60.")
        parser.add_argument("--seed", type=int, default=7, help="The same seed makes the same history.")

    def do_seed(self, *, events: int, seed: int, **_: Any) -> None:
        """Write a week of believable past events of two senders, with their runs, and two dead letters; once."""
        if events < 1:
            raise CommandError("Ask for at least one event: --events 60")
        register_python_automations(live_digests=live_versions())
        written = seed_demo_events(count=events, seed=seed, actor=ACTOR)
        self.say(f"{written} events written: see Event inbox." if written else "They are there already.")


def _body(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
