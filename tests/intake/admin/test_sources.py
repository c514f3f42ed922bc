"""Sources in the console: made, changed, switched off; secrets are written, shown once when made here, never read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from intake.models import Source, SourceSecret
from intake.services.sources import rotate_secret
from tests.support import intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
SOURCES = "/admin/intake/source/"
NEW = {
    "name": "Releases",
    "slug": "releases",
    "customer": "main",
    "scheme": "github",
    "algorithm": "sha256",
    "encoding": "hex",
    "window_seconds": "600",
    "tolerance_seconds": "300",
    "rate": "normal",
    "max_bytes": "1000000",
}


@pytest.fixture(autouse=True)
def _edge(settings: Any) -> None:
    settings.EDGE_WORKER_URL = "https://hooks.example"
    settings.EDGE_CONTROL_KEYS = ()
    Customer.objects.get_or_create(key="main")


def page_of(source: Source, name: str = "change") -> str:
    return f"{SOURCES}{source.pk}/{name}/"


def test_a_source_is_made_and_its_secret_is_shown_once(console: Client) -> None:
    answer = console.post(f"{SOURCES}new/", NEW)

    source = Source.objects.get(slug="releases")
    secret = source.secrets.get().secret.reveal()
    assert secret in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    page = console.get(page_of(source)).text
    assert "https://hooks.example/hooks/releases" in page
    assert secret not in page
    assert secret not in str(AuditLine.objects.values())


def test_what_does_not_fit_is_told_at_its_field_and_nothing_is_made(console: Client) -> None:
    wrong = {
        "scheme": "hmac",
        "signature_header": "",
        "template": "no body",
        "ip_allow": "all",
        "secret": "short",
    }

    answer = console.post(f"{SOURCES}new/", NEW | wrong)

    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {"signature_header", "template", "ip_allow", "secret"}
    assert not Source.objects.exists()
    assert "short" not in answer.text


def test_the_options_of_a_scheme_come_back_into_the_form(console: Client) -> None:
    options = {
        "header": "X-Signature",
        "algorithm": "sha512",
        "encoding": "base64",
        "template": "{timestamp}.{body}",
        "timestamp_header": "X-Sent-At",
    }
    source = intake.source(scheme="hmac", options=options, ip_allow=["192.0.2.0/24"])
    form = console.get(page_of(source, "edit")).context["form"]
    entered = {name: value for name, value in form.initial.items() if value is not None}

    console.post(
        page_of(source, "edit"), entered | {"name": "The shop", "ip_allow": "192.0.2.0/24, 198.51.100.7"}
    )

    source.refresh_from_db()
    assert (source.name, source.options) == ("The shop", options)
    assert source.ip_allow == ["192.0.2.0/24", "198.51.100.7"]


def test_one_secret_takes_over_from_another_with_an_overlap(console: Client) -> None:
    source = intake.source()

    answer = console.post(page_of(source, "rotate"), {"overlap": "3600"})

    old, new = source.secrets.order_by("pk")
    assert new.secret.reveal() in answer.text
    assert old.valid_until is not None
    assert timedelta(minutes=59) < old.valid_until - database_now() < timedelta(minutes=61)
    assert list(source.secrets.valid_at(database_now())) == [new, old]


def test_a_secret_ends_after_asking_and_the_last_one_stays(console: Client) -> None:
    source = intake.source()
    rotate_secret(source=source, actor="command")
    old = source.secrets.earliest("pk")

    assert "cannot be undone" in console.get(page_of(source, f"secrets/{old.pk}/end")).text
    console.post(page_of(source, f"secrets/{old.pk}/end"))
    last = source.secrets.valid_at(database_now()).get()
    answer = console.post(page_of(source, f"secrets/{last.pk}/end"), follow=True)

    assert "It is the last one" in answer.text
    assert source.secrets.valid_at(database_now()).get() == last


def test_where_the_provider_makes_the_secret_none_is_shown_and_theirs_is_needed(console: Client) -> None:
    answer = console.post(f"{SOURCES}new/", NEW | {"scheme": "stripe"}, follow=True)

    source = Source.objects.get()
    assert "enter the one it shows" in answer.text
    assert console.post(page_of(source, "rotate"), {"overlap": "0"}).status_code == 422
    console.post(page_of(source, "rotate"), {"overlap": "0", "secret": "whsec_of-the-provider"})
    assert source.secrets.valid_at(database_now()).get().secret.reveal() == "whsec_of-the-provider"


def test_a_source_is_switched_off_and_on_and_deleted(console: Client) -> None:
    source = intake.source()

    console.post(page_of(source, "switch"), {"enabled": "no"})
    assert "Disabled: the edge refuses" in console.get(page_of(source)).text
    console.post(page_of(source, "switch"), {"enabled": "yes"})
    assert Source.objects.get().is_enabled
    console.post(page_of(source, "remove"), {"reason": "Moved away"})

    assert not SourceSecret.objects.exists()
    assert "shop" not in [row.slug for row in console.get(SOURCES).context["cl"].result_list]
    assert console.get(page_of(source)).status_code == 200
    assert console.get(page_of(source, "edit")).status_code == 404


def test_the_list_says_what_came_today_and_how_many_secrets_are_in_use(console: Client) -> None:
    source = intake.source()
    rotate_secret(source=source, actor="command")
    intake.stored()
    intake.stored()

    (row,) = console.get(SOURCES).context["cl"].result_list

    assert (row.stored_today, len(row.valid_secrets), row.last_event_at) == (2, 2, intake.RECEIVED_AT)


def test_the_edge_is_told_by_a_button_and_its_absence_is_explained(console: Client) -> None:
    source = intake.source()

    answer = console.post(page_of(source, "tell-the-edge"), follow=True)

    assert "EDGE_CONTROL_KEYS is not set" in answer.text


def test_who_may_look_only_sees_no_button_and_is_refused(console: Client) -> None:
    source = intake.source()
    viewer = in_role("Viewer")

    page = viewer.get(page_of(source)).text

    for name in ("edit", "switch", "rotate", "remove"):
        assert page_of(source, name) not in page
        assert viewer.post(page_of(source, name)).status_code == 403
    assert viewer.post(f"{SOURCES}new/", NEW).status_code == 403


def test_sources_out_of_reach_are_not_there() -> None:
    source = intake.source()
    intake.source("parcels", customer="acme")
    engineer = in_role("Engineer", customers=["acme"])

    listed = engineer.get(SOURCES)

    assert [row.slug for row in listed.context["cl"].result_list] == ["parcels"]
    assert engineer.get(page_of(source)).status_code == 404
    assert engineer.post(page_of(source, "rotate"), {"overlap": "0"}).status_code == 404
    assert engineer.post(f"{SOURCES}new/", NEW).status_code == 422
    assert "shop" not in engineer.get("/admin/intake/event/").text
