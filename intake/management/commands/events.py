"""`manage.py events list|show|replay`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.management.base import CommandError

from infra_shared.blobs.protocol import BlobError
from infra_shared.nouns import ACTOR, NounCommand, at_least
from intake.errors import IntakeError
from intake.models import Event
from intake.services.bodies import body_of
from intake.services.event_filter import EventFilter
from intake.services.replays import (
    MOST_AT_ONCE,
    ReplayRequest,
    plan_replays,
    replay_event,
    replay_events,
)
from intake.states import EventState

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

_SHOWN = (
    "id",
    "type",
    "state",
    "state_reason",
    "key",
    "key_kind",
    "scheme",
    "content_type",
    "query",
    "size_bytes",
    "sha256",
    "duplicates",
    "edge_attempts",
    "received_at",
    "stored_at",
    "routed_at",
    "message_id",
    "replay",
)


class Command(NounCommand):
    help = "Look at the events that were stored, and replay them."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        _filter_arguments(parser)
        parser.add_argument("--limit", type=at_least(1), default=20)
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, limit: int, json: bool, **options: Any) -> None:
        """List events, the newest first."""
        rows = _filter(options).apply(Event.objects.select_related("source")).newest_first()
        names = ("id", "source", "type", "state", "duplicates", "stored_at")
        found = [
            (
                row.pk,
                row.source.slug,
                row.type,
                row.state,
                row.duplicates,
                row.stored_at.isoformat(timespec="seconds"),
            )
            for row in rows[:limit]
        ]
        if json:
            self.say_json([dict(zip(names, line, strict=True)) for line in found])
            return
        self.say_table([name.upper() for name in names], found, empty="There is no such event.")

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        parser.add_argument("id", type=UUID)
        parser.add_argument("--body", action="store_true", help="Write the body alone, byte for byte.")

    def do_show(self, *, id: UUID, body: bool, **_: Any) -> None:  # noqa: A002 - the argument's name
        """Show an event with its headers and matches, or its body, as JSON."""
        event = _event(id)
        if body:
            self._write_body(event)
            return
        matches = event.matches.select_related("trigger", "run").order_by("replay", "id")
        self.say_json(
            {name: getattr(event, name) for name in _SHOWN}
            | {"source": event.source.slug, "customer": event.customer.key, "headers": event.headers}
            | {
                "matches": [
                    {
                        "trigger": match.trigger.name,
                        "replay": match.replay,
                        "state": match.state,
                        "reason": match.reason,
                        "run": match.run_id,
                    }
                    for match in matches
                ]
            }
        )

    def replay_arguments(self, parser: CommandParser) -> None:
        """Arguments of `replay`."""
        parser.add_argument("id", type=UUID, nargs="?", help="One event; without it, those of the filter.")
        _filter_arguments(parser)
        parser.add_argument("--reason", default="")
        parser.add_argument("--limit", type=at_least(1), default=MOST_AT_ONCE)
        parser.add_argument("--dry-run", action="store_true", help="Only say which.")

    def do_replay(
        self,
        *,
        id: UUID | None,  # noqa: A002 - the argument's name
        reason: str,
        limit: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Route events again: one, or all that a filter names."""
        request = ReplayRequest(actor=ACTOR, reason=reason)
        wanted = _filter(options)
        try:
            if id is not None:
                self._replay_one(_event(id), request, dry_run=dry_run)
                return
            plan = plan_replays(wanted=wanted, at_most=limit)
            done = 0 if dry_run else replay_events(wanted=wanted, request=request, at_most=limit)
        except IntakeError as error:
            raise CommandError(str(error)) from error
        rows = [(event.pk, event.source.slug, event.type, event.state) for event in plan.sample]
        self.say_table(("ID", "SOURCE", "TYPE", "STATE"), rows, empty="There is no such event to replay.")
        if rows:
            self.say(f"{plan.total} events, the oldest first. {done} are routed again.")

    def _replay_one(self, event: Event, request: ReplayRequest, *, dry_run: bool) -> None:
        if dry_run:
            self.say(f"{event.pk} would be routed again.")
            return
        given = replay_event(event=event, request=request)
        words = "is routed again" if given.created else "is at work still"
        self.say(f"Replay {given.replay.number} of {event.pk} {words}.")

    def _write_body(self, event: Event) -> None:
        try:
            content = body_of(event)
        except BlobError as error:
            raise CommandError(str(error)) from error
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _filter_arguments(parser: CommandParser) -> None:
    parser.add_argument("--source", default="")
    parser.add_argument("--type", default="")
    parser.add_argument("--state", action="append", default=[], choices=EventState.values)
    parser.add_argument("--search", default="", help="An id, or the beginning of a key or a type.")


def _filter(options: dict[str, Any]) -> EventFilter:
    return EventFilter(
        source=options["source"],
        type=options["type"],
        states=tuple(options["state"]),
        search=options["search"],
    )


def _event(event_id: UUID) -> Event:
    event = Event.objects.select_related("source", "customer", "blob").filter(pk=event_id).first()
    if event is None:
        raise CommandError(f"There is no event {event_id}.")
    return event
