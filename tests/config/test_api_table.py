"""One table over every endpoint of the API: no key, wrong key, wrong scope, another customer's, the right key.

To add an endpoint, add its row; a test below fails until it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from config.api import api as root
from infra_shared.key_format import new_key
from infra_shared.scopes import Scope
from intake.signatures.edge import EdgeKey, Purpose
from tests.support import api
from tests.support.intake import EDGE_KEY, Edge, batch, message

if TYPE_CHECKING:
    from tests.support.api import World

EMPTY = object()
"""What is out of reach is not listed."""
NONE_MEANT = object()
"""What is out of reach is not among what it is about."""
SHARED = object()
"""It belongs to no customer."""


@dataclass(frozen=True)
class Row:
    """One endpoint. `foreign`: what another customer's key meets, by default 404."""

    method: str
    path: str
    scope: Scope
    status: int = 200
    body: Any = None
    foreign: object = 404

    @property
    def template(self) -> str:
        """Its path in the reference."""
        ids = {
            "run": "run_id",
            "file": "file_id",
            "order": "order_id",
            "waiting": "run_id",
            "asking": "run_id",
            "artifact": "artifact_id",
            "schedule": "schedule_id",
            "pause": "pause_id",
            "alert": "alert_id",
            "event": "event_id",
            "trigger": "trigger_id",
        }
        path = self.path.replace("/automations/sample", "/automations/{key}")
        path = path.replace("/sources/shop", "/sources/{slug}")
        for name, parameter in ids.items():
            path = path.replace(f"{{{name}}}", f"{{{parameter}}}")
        return f"{self.method} /api/v1{path}"


PLANNED = {
    "name": "Hourly",
    "automation": "sample",
    "kind": "cron",
    "cron": "0 * * * *",
    "params": {"city": "Riga"},
}
RANGE = {"begin": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}
BULK = {"filter": {"customer": "main"}, "dry_run": False}
PAUSED = {"scope": "customer:main", "reason": "They move."}
MUTED = {"until": "2099-01-01T00:00:00Z", "reason": "Known until then."}
HOOK = {"source": "shop", "name": "Again", "automation": "sample"}
SENDER = {"slug": "another", "scheme": "github", "customer": "main"}
OF_SHOP = {"filter": {"source": "shop"}, "dry_run": False}
ASKED = {"automation": "sample", "params": {"city": "Riga"}, "customer": "main"}
TABLE = (
    Row("GET", "/pauses", Scope.PAUSES_READ, foreign=EMPTY),
    Row("POST", "/pauses", Scope.PAUSES_WRITE, body=PAUSED),
    Row("DELETE", "/pauses/{pause}", Scope.PAUSES_WRITE, 204),
    Row("GET", "/alerts", Scope.ALERTS_READ, foreign=EMPTY),
    Row("GET", "/alerts/{alert}", Scope.ALERTS_READ),
    Row("POST", "/alerts/{alert}/acknowledge", Scope.ALERTS_WRITE, body={"note": "I look."}),
    Row("POST", "/alerts/{alert}/mute", Scope.ALERTS_WRITE, body=MUTED),
    Row("POST", "/alerts/{alert}/unmute", Scope.ALERTS_WRITE),
    Row("POST", "/runs", Scope.RUNS_WRITE, 201, ASKED),
    Row("GET", "/runs", Scope.RUNS_READ, foreign=EMPTY),
    Row("GET", "/runs/{run}", Scope.RUNS_READ),
    Row("POST", "/runs/{waiting}/cancel", Scope.RUNS_WRITE),
    Row("POST", "/runs/{run}/rerun", Scope.RUNS_WRITE, 201),
    Row("POST", "/runs/bulk-cancel", Scope.RUNS_WRITE, 202, BULK),
    Row("POST", "/runs/bulk-rerun", Scope.RUNS_WRITE, 202, BULK),
    Row("GET", "/bulk-orders/{order}", Scope.RUNS_READ),
    Row("GET", "/bulk-orders/{order}/items", Scope.RUNS_READ),
    Row("POST", "/files", Scope.FILES_WRITE, 201, api.Form("a.txt", b"a")),
    Row("GET", "/files/{file}", Scope.FILES_WRITE),
    Row("GET", "/runs/{run}/input", Scope.RUNS_READ),
    Row("POST", "/runs/{asking}/input", Scope.RUNS_WRITE, body={"answer": {"code": "246810"}}),
    Row("GET", "/runs/{run}/result", Scope.RUNS_READ),
    Row("GET", "/runs/{run}/attempts", Scope.RUNS_READ),
    Row("GET", "/runs/{run}/steps", Scope.RUNS_READ),
    Row("GET", "/runs/{run}/artifacts", Scope.RUNS_READ),
    Row("GET", "/runs/{run}/transitions", Scope.RUNS_READ),
    Row("GET", "/artifacts/{artifact}", Scope.ARTIFACTS_READ),
    Row("GET", "/artifacts/{artifact}/content", Scope.ARTIFACTS_READ),
    Row("GET", "/automations", Scope.AUTOMATIONS_READ, foreign=SHARED),
    Row("GET", "/automations/sample", Scope.AUTOMATIONS_READ, foreign=SHARED),
    Row("GET", "/schedules", Scope.SCHEDULES_READ, foreign=EMPTY),
    Row("POST", "/schedules", Scope.SCHEDULES_WRITE, 201, PLANNED),
    Row("GET", "/schedules/{schedule}", Scope.SCHEDULES_READ),
    Row("PATCH", "/schedules/{schedule}", Scope.SCHEDULES_WRITE, body={"name": "Later"}),
    Row("DELETE", "/schedules/{schedule}", Scope.SCHEDULES_WRITE, 204),
    Row("POST", "/schedules/{schedule}/pause", Scope.SCHEDULES_WRITE),
    Row("POST", "/schedules/{schedule}/resume", Scope.SCHEDULES_WRITE),
    Row("GET", "/schedules/{schedule}/preview", Scope.SCHEDULES_READ),
    Row("POST", "/schedules/{schedule}/backfill", Scope.SCHEDULES_WRITE, body=RANGE),
    Row("GET", "/schedules/{schedule}/occurrences", Scope.SCHEDULES_READ),
    Row("GET", "/events", Scope.EVENTS_READ, foreign=EMPTY),
    Row("GET", "/events/{event}", Scope.EVENTS_READ),
    Row("GET", "/events/{event}/body", Scope.EVENTS_READ),
    Row("POST", "/events/{event}/replay", Scope.EVENTS_WRITE, 201),
    Row("POST", "/events/replay", Scope.EVENTS_WRITE, body=OF_SHOP, foreign=NONE_MEANT),
    Row("GET", "/sources", Scope.SOURCES_READ, foreign=EMPTY),
    Row("POST", "/sources", Scope.SOURCES_WRITE, 201, SENDER),
    Row("GET", "/sources/shop", Scope.SOURCES_READ),
    Row("PATCH", "/sources/shop", Scope.SOURCES_WRITE, body={"rate": "high"}),
    Row("DELETE", "/sources/shop", Scope.SOURCES_WRITE, 204),
    Row("POST", "/sources/shop/rotate", Scope.SOURCES_WRITE),
    Row("GET", "/triggers", Scope.SOURCES_READ, foreign=EMPTY),
    Row("POST", "/triggers", Scope.SOURCES_WRITE, 201, HOOK),
    Row("POST", "/triggers/try", Scope.SOURCES_WRITE, body=HOOK),
    Row("GET", "/triggers/{trigger}", Scope.SOURCES_READ),
    Row("PATCH", "/triggers/{trigger}", Scope.SOURCES_WRITE, body={"name": "Later"}),
    Row("DELETE", "/triggers/{trigger}", Scope.SOURCES_WRITE, 204),
)
EDGE = {
    "/intake/batch": ("POST", Purpose.BATCH, batch(message())),
    "/intake/dead-letters": ("POST", Purpose.DEAD_LETTERS, b'{"v": 1, "letters": [{"id": "x"}]}'),
    "/intake/ready": ("GET", Purpose.READY, b""),
}
"""What the edge Worker's signature opens, and no API key."""
EVERY_ROW = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")


def ask(row: Row, world: World, key: str = ""):
    """Send the row's request. Nobody here reads a streamed body, so the file below it is let go."""
    answer = api.Caller(key).send(row.method, world.path(row.path), row.body)
    for release in answer._resource_closers:
        release()
    return answer


@EVERY_ROW
def test_an_endpoint_opens_to_the_right_key_alone(row, world) -> None:
    other_scopes = [scope for scope in Scope if scope is not row.scope]
    wrong_scope = api.key(scopes=other_scopes)
    foreign = api.key(scopes=[row.scope], customers=["other"], caller="stranger")
    right = api.key(scopes=[row.scope])

    assert "X-API-Key" in api.problem(ask(row, world), 401)["detail"]
    assert "not known" in api.problem(ask(row, world, new_key("ao").plaintext), 401)["detail"]
    assert row.scope in api.problem(ask(row, world, wrong_scope), 403)["detail"]
    check_foreign(row, ask(row, world, foreign))
    assert ask(row, world, right).status_code == row.status


def check_foreign(row: Row, response) -> None:
    """Check what a key of another customer met."""
    if row.foreign is EMPTY:
        assert response.json() == {"items": [], "next_cursor": None}
    elif row.foreign is NONE_MEANT:
        assert response.json() == {"total": 0, "replayed": 0, "sample": []}
    elif row.foreign is SHARED:
        assert response.status_code == row.status
    else:
        api.problem(response, 404)


@pytest.mark.parametrize("order", ["bulk-cancel", "bulk-rerun"])
def test_an_order_about_many_runs_means_those_within_reach_alone(order, world) -> None:
    wanted = {"filter": {"states": ["queued", "succeeded", "waiting_input"]}, "dry_run": False}
    foreign = api.Caller(api.key(customers=["other"], caller="stranger"))

    meant = [
        caller.post(f"/runs/{order}", wanted).json()["total"] for caller in (foreign, api.Caller(api.key()))
    ]

    assert meant[0] == 0
    assert meant[1] > 0


def test_every_endpoint_has_its_row() -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, methods in root.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
        for method in methods
    }

    signed = {f"{method} /api/v1{path}" for path, (method, _, _) in EDGE.items()}
    assert documented == {row.template for row in TABLE} | signed


@pytest.mark.parametrize("path", EDGE)
@pytest.mark.usefixtures("world")
def test_an_endpoint_of_the_edge_opens_to_its_signature_alone(path, settings) -> None:
    settings.EDGE_KEYS = (EDGE_KEY,)
    method, purpose, body = EDGE[path]

    def signed(by: EdgeKey, wanted: Purpose):
        edge = Edge(by)
        place = path.removeprefix("/intake")
        return edge.get(place, purpose=wanted) if method == "GET" else edge.post(place, body, purpose=wanted)

    api.problem(api.Caller(api.key()).send(method, path, body or None), 401)
    api.problem(signed(EdgeKey(EDGE_KEY.key_id, b"x" * 32), purpose), 401)
    for other in set(Purpose) - {purpose}:
        api.problem(signed(EDGE_KEY, other), 401)
    assert signed(EDGE_KEY, purpose).status_code == 200
