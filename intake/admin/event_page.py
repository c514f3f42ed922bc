"""Everything the page of an event shows, read once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra_shared.blobs.protocol import BlobError
from intake.admin import wording
from intake.errors import PayloadUnreadableError
from intake.matching.payloads import read_payload
from intake.services.bodies import body_of
from intake.states import EventState
from runs.admin.evidence import AFTER
from runs.admin.wording import run_url
from runs.models import Artifact
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta
    from uuid import UUID

    from intake.models import Event, Match, Replay
    from runs.models import Run

SHOWN_BYTES = 256 * 1024
HEX_BYTES = 1024
_HEX_LINE = 16
MATCHES_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of an event's way, with the time since the one before."""

    title: str
    at: datetime | None
    gap: timedelta | None
    note: str = ""
    url: str = ""
    tone: str = "succeeded"


@dataclass(frozen=True, slots=True)
class MatchView:
    """What a trigger made of the event, with the latest picture of the run."""

    match: Match
    pill: str
    picture: UUID | None


@dataclass(frozen=True, slots=True)
class BodyView:
    """A body as it can be shown: `pretty` where it is JSON or a form, `text` where it is text, else `hexdump`."""

    pretty: str = ""
    unreadable: str = ""
    text: str = ""
    hexdump: str = ""
    is_cut: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EventPage:
    """What the event's templates read of what changes while it is routed."""

    event: Event
    headline: str
    sentence: str
    pill: str
    timeline: list[Moment]
    matches: list[MatchView]
    replays: list[Replay]
    is_settled: bool
    stamp: str


def read_event_page(event: Event) -> EventPage:
    """The changing part of an event's page: where it is on its way, and what the triggers made of it."""
    rows = event.matches.select_related("trigger", "run__automation").order_by("-replay", "id")
    matches = list(rows[:MATCHES_SHOWN])
    latest = [match for match in matches if match.replay == event.replay]
    pictures = _pictures([match.run_id for match in matches if match.run_id is not None])
    replays = list(event.replays.order_by("-number")[:MATCHES_SHOWN])
    runs = [match.run for match in matches if match.run is not None]
    return EventPage(
        event=event,
        headline=wording.headline(event, latest),
        sentence=wording.sentence(event, latest),
        pill=wording.event_pill(event),
        timeline=list(_timeline(event, latest, replays)),
        matches=[
            MatchView(match, wording.match_pill(match), pictures.get(match.run_id) if match.run_id else None)
            for match in matches
        ],
        replays=replays,
        is_settled=event.is_final and all(run.is_terminal for run in runs),
        stamp=_stamp(event, matches, pictures.values()),
    )


def read_body(event: Event) -> BodyView:
    """The body for people. What is shown of it is text, whatever the sender said it is."""
    try:
        body = body_of(event, at_most=SHOWN_BYTES)
    except BlobError as error:
        return BodyView(problem=str(error))
    is_cut = event.size_bytes > len(body)
    pretty, unreadable = (
        _pretty(body, event.content_type) if not is_cut else ("", "It is too large to be laid out.")
    )
    try:
        # The last character may be cut in the middle.
        text = body.decode("utf-8", errors="ignore" if is_cut else "strict")
    except UnicodeDecodeError:
        return BodyView(hexdump="\n".join(_hex_lines(body[:HEX_BYTES])), is_cut=len(body) > HEX_BYTES)
    if "\0" in text:
        return BodyView(hexdump="\n".join(_hex_lines(body[:HEX_BYTES])), is_cut=len(body) > HEX_BYTES)
    return BodyView(pretty=pretty, unreadable=unreadable, text=text, is_cut=is_cut)


def _timeline(event: Event, matches: Iterable[Match], replays: list[Replay]) -> Iterator[Moment]:
    """The way of the event: edge, queue, stored, routed, and its latest runs."""
    waited = event.stored_at - event.received_at
    tries = f"handed over {event.edge_attempts} times" if event.edge_attempts > 1 else ""
    yield Moment("The edge took it", event.received_at, None)
    yield Moment(
        "Waited in the queue", None, waited, tries, tone="failed" if event.edge_attempts > 1 else "succeeded"
    )
    yield Moment("Stored here", event.stored_at, None)
    begin = event.stored_at
    replay = next((replay for replay in replays if replay.number == event.replay), None)
    if replay is not None:
        who = replay.requested_by.partition(":")[2]
        yield Moment("Replay asked for", replay.created_at, None, f"by {who}" if who else "")
        begin = replay.created_at
    if event.routed_at is None:
        yield Moment("Being routed", None, None, tone="running")
        return
    tone = "failed" if event.state == EventState.FAILED else "succeeded"
    note = "" if event.state == EventState.ROUTED else event.get_state_display().lower()
    yield Moment("Routed", event.routed_at, event.routed_at - begin, note, tone=tone)
    for match in matches:
        if match.run is not None:
            yield from _of_run(match.run, event.routed_at)


def _of_run(run: Run, since: datetime) -> Iterator[Moment]:
    from_begin = None if run.started_at is None or run.started_at < since else run.started_at - since
    name = f"Run {run.short_id}"
    url = run_url(run.pk)
    if run.started_at is None:
        yield Moment(f"{name}: {run.get_state_display().lower()}", None, None, url=url, tone="running")
        return
    yield Moment(f"{name} began", run.started_at, from_begin, run.automation.title, url=url)
    if run.finished_at is None:
        yield Moment(f"{name}: {run.get_state_display().lower()}", None, None, url=url, tone="running")
        return
    tone = "failed" if run.is_failure else "succeeded"
    took = run.finished_at - run.started_at
    yield Moment(f"{name}: {run.get_state_display().lower()}", run.finished_at, took, url=url, tone=tone)


def _pictures(run_ids: list[UUID]) -> dict[UUID, UUID]:
    """The newest picture of each run, that of its failure first."""
    if not run_ids:
        return {}
    rows = Artifact.objects.filter(run__in=run_ids, kind__in=AFTER, blob__isnull=False)
    found: dict[UUID, UUID] = {}
    failures: dict[UUID, UUID] = {}
    for run_id, kind, artifact_id in rows.order_by("id").values_list("run_id", "kind", "id"):
        (failures if kind == ArtifactKind.FAILURE_PICTURE else found)[run_id] = artifact_id
    return found | failures


def _pretty(body: bytes, content_type: str) -> tuple[str, str]:
    """The value triggers look into, laid out; else why there is none."""
    try:
        value = read_payload(body, content_type)
    except PayloadUnreadableError as error:
        return "", str(error)
    return ("", "") if value is None else (json.dumps(value, indent=2, ensure_ascii=False), "")


def _hex_lines(body: bytes) -> Iterator[str]:
    for begin in range(0, len(body), _HEX_LINE):
        part = body[begin : begin + _HEX_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{begin:08x}  {part.hex(' '):<47}  {letters}"


def _stamp(event: Event, matches: list[Match], pictures: Iterable[UUID]) -> str:
    """A short text that differs whenever the page would: so polling sends nothing while nothing happens."""
    facts: list[Any] = [event.state, event.replay, event.duplicates, sorted(map(str, pictures))]
    facts += [[match.state, match.run.state if match.run else ""] for match in matches]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
