"""Sources, their secrets and triggers: what is refused, and that no secret is ever told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers

from automations.models import Customer
from infra_shared.clock import utc_now
from infra_shared.models import AuditLine
from intake.errors import IntakeInvalidError
from intake.models import Source, SourceSecret
from intake.services.source_input import SourceInput, input_of, problem_of_secret
from intake.services.sources import change_source, create_source, delete_source, end_secret, rotate_secret
from intake.services.triggers import TriggerInput, try_trigger
from tests.support import api, intake

pytestmark = pytest.mark.django_db


def refused(**changes) -> list[str]:
    """The fields that make a source impossible."""
    customer, _ = Customer.objects.get_or_create(key="main")
    said: dict[str, Any] = {"slug": "one", "scheme": "hmac", "options": {"header": "X-Sig"}, **changes}
    wanted = SourceInput(customer=customer, **said)
    with pytest.raises(IntakeInvalidError) as caught:
        create_source(wanted=wanted, actor="command")
    assert not Source.objects.present().filter(slug=wanted.slug).exists()
    return [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "Not A Slug"}, "slug"),
        ({"scheme": "pigeon", "options": {}}, "scheme"),
        ({"options": {}}, "options.header"),
        ({"options": {"header": "X-Sig", "algorithm": "md5"}}, "options.algorithm"),
        ({"options": {"header": "X-Sig", "template": "{id}"}}, "options.template"),
        ({"options": {"header": "X-Sig", "template": "{timestamp}.{body}"}}, "options.timestamp_header"),
        ({"options": {"header": "X-Sig", "secret": "x"}}, "options.secret"),
        ({"key_header": "Authorization"}, "key_header"),
        ({"key_header": "x-sig"}, "key_header"),
        ({"type_header": "X-Kind", "type_path": "kind"}, "type_path"),
        ({"type_path": "a["}, "type_path"),
        ({"ip_allow": ["10.0.0.1/8"]}, "ip_allow"),
        ({"content_types": ["json"]}, "content_types"),
        ({"window_seconds": 0}, "window_seconds"),
        ({"max_bytes": 10_000_001}, "max_bytes"),
    ],
)
def test_a_source_the_edge_could_not_use_is_refused(changes, field) -> None:
    assert field in refused(**changes)


@pytest.mark.parametrize(
    ("scheme", "secret", "is_good"),
    [
        ("github", "12345678", True),
        ("github", "1234567", False),
        ("github", "new\nline-in-it", False),
        ("standard", "whsec_" + "A" * 40, True),
        ("standard", "no-prefix-at-all", False),
        ("basic", "user:password", True),
        ("basic", "no-colon-here", False),
    ],
)
def test_a_secret_has_the_form_of_its_scheme(scheme, secret, is_good) -> None:
    problem = problem_of_secret(scheme, secret)

    assert (problem == "") is is_good
    assert secret not in problem


def test_a_slug_is_never_used_again(source) -> None:
    assert delete_source(source=source, actor="command")

    assert refused(slug="shop") == ["slug"]
    assert not SourceSecret.objects.exists()


def test_a_source_keeps_its_customer(source) -> None:
    other = Customer.objects.create(key="other")

    with pytest.raises(IntakeInvalidError, match="keeps its slug"):
        change_source(source=source, wanted=replace(input_of(source), customer=other), actor="command")


def test_a_rotation_gives_no_earlier_secret_longer_than_it_had(source) -> None:
    rotate_secret(source=source, actor="command", overlap=timedelta(hours=1))
    rotate_secret(source=source, actor="command", overlap=timedelta(days=7))
    soon = utc_now() + timedelta(hours=2)

    assert source.secrets.count() == 3
    assert source.secrets.valid_at(soon).count() == 2
    assert source.secrets.get(valid_until__lt=soon).secret.reveal() == intake.SECRET


def test_the_last_secret_cannot_be_ended(source) -> None:
    first = source.secrets.get()
    with pytest.raises(IntakeInvalidError, match="the last one"):
        end_secret(secret=first, actor="command")

    rotate_secret(source=source, actor="command")

    assert end_secret(secret=first, actor="command")
    assert not end_secret(secret=first, actor="command")


def test_a_secret_made_here_is_told_once_and_kept_encrypted(version) -> None:
    caller = api.Caller(api.key())
    body = {"slug": "fresh", "scheme": "standard"}

    made = caller.post("/sources", body).json()
    rotated = caller.post("/sources/fresh/rotate", {"overlap_seconds": 0}).json()

    assert made["secret"].startswith("whsec_")
    assert made["secret"] != rotated["secret"]
    told = json.dumps(caller.get("/sources/fresh").json()) + json.dumps(caller.get("/sources").json())
    kept = json.dumps(list(AuditLine.objects.values("details", "reason")))
    raw = serializers.serialize("json", SourceSecret.objects.all())
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in told + kept + raw
    assert [bool(item["valid_until"]) for item in rotated["source"]["secrets"]] == [False, True]


def test_a_trigger_is_tried_on_stored_events_before_it_is_saved(source, version) -> None:
    good = intake.stored()
    bad = intake.stored({"city": "Riga", "count": 0})
    other = intake.stored({"city": "Oslo", "count": 1}, headers=[["x-github-event", "ping"]])
    wanted = TriggerInput(
        source=source,
        name="Try",
        automation=version.automation,
        event_type="push",
        mapping="{city: city, count: count}",
    )

    found = {trial.event.pk: trial for trial in try_trigger(wanted=wanted)}

    assert found[good.pk].params == {"city": "Riga", "count": 2}
    assert found[good.pk].problem == ""
    assert "greater than or equal to 1" in found[bad.pk].problem
    assert not found[other.pk].matched


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filter": "a =="}, "filter"),
        ({"mapping": "{a"}, "mapping"),
        ({"mapping": "@" * 2001}, "mapping"),
        ({"name": " "}, "name"),
        ({"dedupe_seconds": -1}, "dedupe_seconds"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(source, version, changes, field) -> None:
    with pytest.raises(IntakeInvalidError) as caught:
        intake.trigger(source, version, **changes)

    assert [problem.field for problem in caught.value.problems] == [field]
