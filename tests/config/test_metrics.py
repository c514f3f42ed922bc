"""`/metrics`: who may read it, what it answers, and what it costs."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from automations.models import Automation
from config import metrics
from config.env import BASE_DIR
from infra_shared.database import database_now
from infra_shared.exposition import CONTENT_TYPE, exposition, reference
from infra_shared.figures import groups
from infra_shared.scopes import Scope
from infra_shared.services.outbox import enqueue_mail
from infra_shared.services.spools import report_spool, spool_folder
from runs.services import scheduling
from tests.support import api, intake, sample, schedules
from tests.support.metrics import parsed
from tests.support.operators import in_role
from tests.support.runs_factory import make_factory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db
MOST_QUESTIONS = 27
WORDS_ALONE = {"answer", "channel", "failure_kind", "finding", "kind", "outcome", "state"}
NAMED_BY_PEOPLE = {"automation", "node", "queue", "source"}


def get(**headers: str) -> Any:
    """GET /metrics as somebody who is not signed in."""
    return Client().get(
        "/metrics", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def key(*, scopes: Iterable[str] = (Scope.METRICS_READ,), customers: Iterable[str] = ("*",)) -> str:
    """A key that may read the figures; each of a caller of its own."""
    return api.key(scopes=scopes, customers=customers, caller="-".join(["prometheus", *customers]))


def test_a_key_with_the_scope_reads_it_by_either_header() -> None:
    text = key()

    answers = [get(x_api_key=text), get(authorization=f"Bearer {text}"), get(authorization=f"bearer  {text}")]

    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (200, CONTENT_TYPE)
        assert answer["Cache-Control"] == "no-store"
        assert parsed(answer.content.decode())["automation_nodes{state=alive}"] == 0


def test_nobody_and_a_wrong_key_are_asked_who_they_are() -> None:
    for answer in (get(), get(authorization="Bearer ao_nonsense"), get(authorization="Basic eDp5")):
        api.problem(answer, 401)
        assert "automation_" not in answer.content.decode()
        assert answer["WWW-Authenticate"]


def test_a_key_without_the_scope_or_the_reach_is_refused() -> None:
    others = [scope for scope in Scope if scope is not Scope.METRICS_READ]
    without_scope = key(scopes=others)
    of_one_customer = key(customers=["main"])

    assert "metrics:read" in api.problem(get(x_api_key=without_scope), 403)["detail"]
    assert "every customer" in api.problem(get(x_api_key=of_one_customer), 403)["detail"]


def test_an_operator_reads_it_who_reaches_every_customer(django_user_model) -> None:
    visitor = Client()
    visitor.force_login(django_user_model.objects.create_user("visitor"))
    confined = in_role("Operator", customers=["main"], name="confined")

    assert in_role("Operator").get("/metrics").status_code == 200
    assert "every customer" in api.problem(confined.get("/metrics"), 403)["detail"]
    api.problem(visitor.get("/metrics"), 401)  # who is no operator has no session at all


def test_without_a_console_a_session_opens_nothing(console: Client, settings) -> None:
    settings.REVIEW_UI = False

    api.problem(console.get("/metrics"), 401)


def test_it_only_reads() -> None:
    assert Client().post("/metrics", headers={"X-API-Key": key()}).status_code == 405


def test_a_database_that_is_away_is_told_from_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bytes:
        raise OperationalError("the connection is lost")

    text = key()
    monkeypatch.setattr(metrics, "exposition", away)

    answer = get(x_api_key=text)

    api.problem(answer, 503)
    assert answer["Retry-After"]


def test_the_number_of_questions_does_not_grow_with_what_there_is(version: AutomationVersion) -> None:
    with CaptureQueriesContext(connection) as empty:
        exposition()
    api.build_world(version)
    for number in range(3):
        sample.start_process(version, queue=f"queue-{number}", pid=100 + number)
        schedules.put_behind(schedules.make(name=f"Schedule {number}"), 2)
        intake.stored(source=intake.source(f"shop-{number}").slug)
        enqueue_mail(recipients=["anna@example.org"], subject="Hello", body_text="Text")
    scheduling.fire_due_schedules()

    with CaptureQueriesContext(connection) as full:
        exposition()

    assert len(empty) == len(full) <= MOST_QUESTIONS


def test_nothing_is_counted_in_a_process() -> None:
    packages = ("automations", "config", "infra_shared", "intake", "runs", "webgraph")
    files = [file for package in packages for file in (BASE_DIR / package).rglob("*.py")]

    imported = [line for file in files for line in re.findall(r".*import.*", file.read_text())]

    of_the_client = [line for line in imported if "prometheus_client" in line]
    assert of_the_client
    assert not [line for line in of_the_client if re.search(r"\b(Counter|Gauge|Histogram|Summary)\b", line)]


def test_labels_are_of_few_values_and_every_figure_is_explained() -> None:
    families = [family for group in groups() for family in group.families]
    labels = [label for family in families for label in family.labels]

    assert {label.name for label in labels if label.values} <= WORDS_ALONE
    assert {label.name for label in labels if label.named_by} <= NAMED_BY_PEOPLE
    assert all(re.fullmatch(r"[A-Z].{20,}\.|1 while .*\.", family.words) for family in families)


def test_a_label_holds_one_of_its_words_or_what_people_of_the_installation_named(
    version: AutomationVersion,
) -> None:
    make_factory().failed()
    api.build_world(version)
    report_spool(folder=spool_folder())
    named = {
        "automation": set(Automation.objects.values_list("key", flat=True)),
        "node": {socket.gethostname()},
        "queue": {"default"},
        "source": {"shop"},
    }

    figures = [figure for group in groups() for figure in group.read(database_now())]
    found = {
        (label, value)
        for figure in figures
        for label, value in zip(figure.family.labels, figure.labels, strict=True)
    }

    assert {label.name for label, _ in found} == WORDS_ALONE | NAMED_BY_PEOPLE
    assert [pair for pair in found if pair[1] not in (pair[0].values or named[pair[0].name])] == []


def test_the_page_of_figures_is_current() -> None:
    written = (BASE_DIR / "docs" / "metrics.md").read_text()

    assert written == reference(), "Run `python manage.py metrics reference > docs/metrics.md`."


def test_the_command_prints_what_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("metrics", "show")

    assert parsed(capsys.readouterr().out).keys() == parsed(exposition().decode()).keys()
