"""How quick the console's pages are with 10 thousand runs and with a million, on a PostgreSQL of its own.

Believable history is written through the service that imports history; what makes it a million are copies of those
runs, of their figures and of the audit log, moved back in time, made by the database. Each page is read several times
by the test client after one unmeasured time; the quickest counts, since others use the machine too. Queries are those
of a page beyond the ones that find the session, the operator and what they may do.

    python -m benchmarks.console [--few 10000] [--many 1000000] --json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import django

from config.local.environment import new_keys, without_settings
from config.local.postgres import throwaway_server
from config.local.terminal import say
from infra_shared.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES = 40
RUN_COLUMNS_MOVED = ("created_at", "started_at", "finished_at", "expires_at")
OF_THE_SIGN_IN = ("django_session", '"auth_', "infra_shared_operatorreach")
PAGES = {
    "overview": "/admin/",
    "runs": "/admin/runs/run/",
    "runs_open_failures": "/admin/runs/run/?attention=open",
    "runs_failed": "/admin/runs/run/?state__in=expired,failed,timed_out",
    "runs_degraded": "/admin/runs/run/?session=degraded",
    "runs_of_customer": "/admin/runs/run/?customer__id__exact=1",
    "families": "/admin/runs/failurefamily/",
    "automations": "/admin/automations/automation/",
    "automation": "/admin/automations/automation/1/change/",
    "schedules": "/admin/automations/schedule/",
    "nodes": "/admin/runs/node/",
    "api_keys": "/admin/infra_shared/apikey/",
    "credentials": "/admin/automations/credential/",
    "audit": "/admin/infra_shared/auditline/",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        settings = {"DATABASE_URL": server.create_database("console"), "DATA_DIR": folder, "ENV_FILE": ""}
        environment = {**without_settings(), **new_keys(), **settings, "DEBUG": "false"}
        # This process is the throw-away system: what else the machine sets must not reach it.
        os.environ.clear()  # noqa: TID251 - see above
        os.environ.update(  # noqa: TID251 - see above
            environment, DJANGO_SETTINGS_MODULE="config.settings"
        )
        django.setup()
        try:
            figures = _measure(given.few, given.many)
        finally:
            _disconnect()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _measure(few: int, many: int) -> dict[str, Any]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("demo", "seed", "--runs", str(few))
    client = _signed_in()
    first = _pages(client)
    say(f"measured with {few} runs; copying them up to {many}")
    _grow(few, many)
    second = _pages(client)
    return {
        "rows": [few, _count_runs()],
        "pages": {
            name: {
                "ms_10k": first[name][0],
                "ms_1m": second[name][0],
                "ratio": round(second[name][0] / first[name][0], 2),
                "queries": second[name][1],
            }
            for name in PAGES
        },
    }


def _signed_in() -> Any:
    """A client of an operator who may do everything, and rows in the small lists."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from automations.services.credentials import set_credential
    from infra_shared.services import audit
    from infra_shared.services.api_keys import ensure_caller, issue_key

    operator = get_user_model().objects.create_superuser("bench")
    caller = ensure_caller(name="bench", customers=["*"], actor="command")
    for number in range(40):
        issue_key(caller=caller, name=f"key {number}", scopes=["*"], actor="command")
        set_credential(name=f"credential-{number}", fields={"username": "a"}, actor="command")
    for number in range(5000):
        audit.record(actor="command", action="bench.line", object_kind="bench", object_id=number)
    client = Client(SERVER_NAME="localhost")
    client.force_login(operator)
    return client


def _pages(client: Any) -> dict[str, tuple[float, int]]:
    """Every page once the database is at rest: each is read before any is measured, so that none pays for the others."""
    _analyse()
    for path in PAGES.values():
        client.get(path)
    return {name: _page(client, path) for name, path in PAGES.items()}


def _page(client: Any, path: str) -> tuple[float, int]:
    """The milliseconds of a page at its quickest, and its own queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    if answer.status_code != 200:
        msg = f"{path} answered {answer.status_code}."
        raise RuntimeError(msg)
    own = [
        query["sql"]
        for query in captured.captured_queries
        if not any(name in query["sql"] for name in OF_THE_SIGN_IN)
    ]
    times = []
    for _ in range(TIMES):
        begun = monotonic()
        client.get(path)
        times.append(1000 * (monotonic() - begun))
    return round(min(times), 1), len(own)


def _grow(few: int, many: int) -> None:
    """Copy runs, hours and audit lines back in time, four weeks at each turn."""
    from django.db import connection

    turns = max(many // few - 1, 0)
    begun = monotonic()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE few AS SELECT * FROM runs_run")
        cursor.execute("CREATE TEMP TABLE hours AS SELECT * FROM runs_hourfigures")
        cursor.execute("CREATE TEMP TABLE lines AS SELECT * FROM infra_shared_auditline")
        for turn in range(1, turns + 1):
            for statement in (_copy_runs(cursor), _COPY_HOURS, _COPY_LINES):
                cursor.execute(statement, {"turn": turn})
    say(f"{turns} copies of {few} runs in {monotonic() - begun:.0f} s")


def _copy_runs(cursor: Any) -> str:
    """The statement that copies the first runs; ids stay in order of time, as a version 7 UUID wants it."""
    cursor.execute("SELECT * FROM few LIMIT 0")
    names = [column[0] for column in cursor.description]
    moved = {name: f"{name} - %(turn)s * interval '28 days'" for name in RUN_COLUMNS_MOVED}
    moment = "(extract(epoch FROM created_at - %(turn)s * interval '28 days') * 1000)::bigint"
    tail = "md5(id::text || %(turn)s::text)"
    own_id = f"(lpad(to_hex({moment}), 12, '0') || '7' || substr({tail}, 1, 3) || '8' || substr({tail}, 4, 15))::uuid"
    values = [own_id if name == "id" else moved.get(name, name) for name in names]
    # Only runs that ended: a copy must not wait for a person, nor for a worker.
    return (
        f"INSERT INTO runs_run ({', '.join(names)}) "  # noqa: S608 - names come from the table, nothing from outside
        f"SELECT {', '.join(values)} FROM few WHERE finished_at IS NOT NULL"
    )


_COPY_HOURS = """
    INSERT INTO runs_hourfigures
        (hour, automation_id, customer_id, succeeded, failed, cancelled, seconds_total, seconds_histogram)
    SELECT hour - %(turn)s * interval '28 days', automation_id, customer_id, succeeded, failed, cancelled,
        seconds_total, seconds_histogram
    FROM hours ON CONFLICT DO NOTHING
"""
_COPY_LINES = """
    INSERT INTO infra_shared_auditline (at, actor, action, object_kind, object_id, customer, reason, details)
    SELECT at - %(turn)s * interval '28 days', actor, action, object_kind, object_id, customer, reason, details
    FROM lines
"""


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _count_runs() -> int:
    from runs.models import Run

    return Run.objects.count()


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
