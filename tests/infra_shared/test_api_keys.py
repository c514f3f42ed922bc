"""API keys: one form, checked before any look-up, refused with the reason, rotated without a gap."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from infra_shared.key_format import new_key, parse_key
from infra_shared.models import ApiKey, AuditLine
from infra_shared.services import api_keys
from infra_shared.services.api_keys import ApiKeyRefusedError, KeyProblem

DAY = timedelta(days=1)


def _problem(plaintext, **options) -> KeyProblem:
    with pytest.raises(ApiKeyRefusedError) as raised:
        api_keys.authenticate(plaintext, **options)
    assert str(raised.value)
    return raised.value.problem


def test_a_key_has_the_form_secret_scanners_know():
    assert re.fullmatch(r"ao_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", new_key("ao").plaintext)


@given(at=st.integers(0, 60), letter=st.sampled_from("aZ9"))
def test_any_mistyped_letter_is_caught_by_the_checksum(at, letter):
    plaintext = new_key("ao").plaintext
    mistyped = plaintext[:at] + letter + plaintext[at + 1 :]

    assert (parse_key(mistyped) is None) == (mistyped != plaintext)


def test_an_issued_key_opens_and_its_secret_is_stored_nowhere(issued):
    key = api_keys.authenticate(issued.plaintext)

    assert key == issued.key
    assert key.may("runs:read")
    assert not key.may("runs:write")
    assert key.caller.reaches("main")
    assert not key.caller.reaches("other")
    text = parse_key(issued.plaintext)
    assert text is not None
    assert text.secret not in f"{ApiKey.objects.values().get()} {list(AuditLine.objects.values())}"


def test_a_text_that_is_no_key_costs_no_look_up(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert _problem("ao_AbCd1234_nonsense") == KeyProblem.MALFORMED
        assert _problem("") == KeyProblem.MALFORMED
        assert _problem(new_key("other").plaintext) == KeyProblem.MALFORMED


def test_the_right_key_costs_one_look_up(issued, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert api_keys.authenticate(issued.plaintext).caller.name == "ci"


def test_an_unknown_key_and_a_wrong_secret_are_told_apart_by_nobody(issued):
    stranger = new_key("ao")
    forged = type(stranger)("ao", issued.key.public_id, stranger.secret)

    assert _problem(stranger.plaintext) == KeyProblem.UNKNOWN
    assert _problem(forged.plaintext) == KeyProblem.UNKNOWN


def test_an_expired_key_says_so(issued):
    ApiKey.objects.update(expires_at=timezone.now() + DAY)

    assert api_keys.authenticate(issued.plaintext) == issued.key
    assert _problem(issued.plaintext, now=timezone.now() + DAY) == KeyProblem.EXPIRED


def test_a_revoked_key_says_so_and_is_revoked_only_once(issued):
    assert api_keys.revoke_key(key=issued.key, actor="operator:anna", reason="leaked")
    assert not api_keys.revoke_key(key=issued.key, actor="operator:anna")

    assert _problem(issued.plaintext) == KeyProblem.REVOKED
    line = AuditLine.objects.get(action="api_key.revoke")
    assert (line.actor, line.reason, line.object_id) == (
        "operator:anna",
        "leaked",
        issued.key.public_id,
    )


def test_a_rotated_key_works_beside_its_successor_until_the_grace_is_over(issued):
    now = timezone.now()

    successor, plaintext = api_keys.rotate_key(key=issued.key, grace=DAY, actor="command", now=now)

    assert api_keys.authenticate(plaintext).caller == successor.caller == issued.key.caller
    assert successor.scopes == issued.key.scopes
    assert api_keys.authenticate(issued.plaintext, now=now + DAY / 2) == issued.key
    assert _problem(issued.plaintext, now=now + DAY) == KeyProblem.EXPIRED


def test_rotation_never_prolongs_the_old_key(issued):
    soon = timezone.now() + DAY / 24
    ApiKey.objects.update(expires_at=soon)

    api_keys.rotate_key(key=issued.key, grace=DAY, actor="command")

    assert ApiKey.objects.get(pk=issued.key.pk).expires_at == soon


def test_use_is_noted_at_most_once_a_minute(issued, django_assert_num_queries):
    now = timezone.now()

    assert api_keys.touch_last_used(key=issued.key, now=now)
    assert not api_keys.touch_last_used(key=issued.key, now=now + timedelta(seconds=59))
    issued.key.refresh_from_db()
    with django_assert_num_queries(0):
        api_keys.touch_last_used(key=issued.key, now=now + timedelta(seconds=59))
    assert api_keys.touch_last_used(key=issued.key, now=now + timedelta(seconds=61))


def test_nobody_gets_a_key_that_opens_other_customers_than_they_asked_for(issued):
    with pytest.raises(api_keys.CallerReachError, match="'ci' is there already and reaches main"):
        api_keys.ensure_caller(name="ci", customers=["acme"], actor="command")
    with pytest.raises(api_keys.CallerReachError, match="new caller: say which customers"):
        api_keys.ensure_caller(name="new", actor="command")

    assert api_keys.ensure_caller(name="ci", otherwise=["*"], actor="command") == issued.key.caller


def test_what_a_caller_reaches_is_changed_for_all_its_keys_with_a_line_in_the_audit_log(issued):
    changed = api_keys.change_reach(
        caller=issued.key.caller, customers=["acme"], actor="command", reason="They moved."
    )

    assert changed
    assert api_keys.authenticate(issued.plaintext).caller.customers == ["acme"]
    line = AuditLine.objects.get(action="caller.reach")
    assert (line.details["before"], line.details["customers"]) == (["main"], ["acme"])
    assert not api_keys.change_reach(caller=issued.key.caller, customers=["acme"], actor="command")


def test_the_usable_keys_are_neither_revoked_nor_expired(issued):
    assert list(ApiKey.objects.usable(timezone.now())) == [issued.key]

    api_keys.revoke_key(key=issued.key, actor="command")

    assert not ApiKey.objects.usable(timezone.now()).exists()
