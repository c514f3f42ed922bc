"""Secret params in the console: typed into password fields, never given back, asked for again with a rerun."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from runs.admin import downloads
from runs.models import Run, RunSecrets
from runs.services.cancelling import cancel_run
from runs.services.run_secrets import secrets_of
from tests.support import sample
from tests.support.secret_sample import OTHER_PIN, PIN, SecretSample, ask

if TYPE_CHECKING:
    from django.test import Client

    from automations.models import AutomationVersion
    from tests.support.console import Screen

pytestmark = pytest.mark.django_db
OPTIONS = {"customer": "main", "evidence_level": "default"}


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The sample that wants a PIN."""
    return sample.install(monkeypatch, SecretSample)


def ended(**changes: Any) -> Run:
    return cancel_run(run=ask(**changes), actor="operator:anna")


def test_a_secret_is_never_given_back_by_the_form_it_was_typed_into(
    version: AutomationVersion, console: Client
) -> None:
    path = f"/admin/automations/automation/{version.automation_id}/run/"

    refused = console.post(path, {"params-city": "", "params-pin": PIN, **OPTIONS})
    asked = console.post(path, {"params-city": "Riga", "params-pin": f" {PIN} ", **OPTIONS})

    shown = refused.content.decode()
    assert (refused.status_code, PIN in shown) == (422, False)
    assert 'type="password"' in shown
    assert 'autocomplete="off"' in shown
    assert asked.status_code == 302
    assert secrets_of(run=Run.objects.get()) == {"pin": f" {PIN} "}


def test_a_rerun_asks_for_every_secret_the_run_was_given(version: AutomationVersion, console: Client) -> None:
    run = ended(params={"city": "Riga", "pin": PIN, "spare": OTHER_PIN})
    path = f"/admin/runs/run/{run.pk}/rerun/"

    page = console.get(path).content.decode()
    refused = console.post(path, {"params-city": "Riga", "params-pin": PIN, **OPTIONS})

    assert page.count("type it in again") == 2
    assert "•••" not in page
    assert refused.status_code == 422
    assert not RunSecrets.objects.exists()


def test_no_page_of_a_run_shows_a_secret(version: AutomationVersion, console: Client) -> None:
    run = ask()

    page = console.get(f"/admin/runs/run/{run.pk}/change/")
    with zipfile.ZipFile(io.BytesIO(b"".join(downloads.everything_of(run)))) as archive:
        export = b"".join(archive.read(name) for name in archive.namelist())

    assert page.status_code == 200
    assert "•••" in page.content.decode()
    assert "•••".encode() in export
    assert PIN.encode() not in page.content + export


def test_the_form_of_a_schedule_says_why_it_takes_no_secret(
    version: AutomationVersion, console: Client
) -> None:
    said = {
        "name": "Hourly", "kind": "cron", "cron": "0 * * * *", "time_zone": "UTC", "customer": "main", "gap": "as_cron",
        "repeated": "as_cron", "spread_seconds": "0", "misfire": "latest", "misfire_grace_seconds": "60",
        "misfire_limit": "1", "overlap": "allow", "unit": "minutes", "every": "15", "pause_after_failures": "0", "params-city": "Riga",
    }  # fmt: skip

    page = console.post("/admin/automations/schedule/new/sample/", said).content.decode()

    assert "pin: It is a secret" in page
    assert "credential" in page
    assert 'name="params-pin"' not in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_operator_types_a_secret_in_again_to_rerun(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.install(monkeypatch, SecretSample)
    run = ended()
    page = screen.open(f"/admin/runs/run/{run.pk}/rerun/")

    page.get_by_label("Pin").fill(OTHER_PIN)
    page.get_by_role("button", name="Rerun").click()
    page.wait_for_url("**/change/")

    made = Run.objects.get(rerun_of=run)
    assert secrets_of(run=made) == {"pin": OTHER_PIN}
    assert OTHER_PIN not in page.content()
    assert "•••" in page.content()
