"""Signatures of the edge, written against the contract with independent code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from intake.errors import CannotSignError, EdgeSignatureError
from intake.signatures.edge import (
    EdgeKey,
    Purpose,
    fingerprint,
    parse_keys,
    read_claim,
    signed_headers,
    usable_key,
    verify,
)
from intake.signatures.senders import Delivery, sender_headers

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OLD, NEW = EdgeKey("old", b"o" * 32), EdgeKey("new", b"n" * 32)
BODY = b'{"a": 1}'


def signed(key: EdgeKey = NEW, purpose: Purpose = Purpose.BATCH) -> dict[str, str]:
    return signed_headers(purpose=purpose, key=key, batch="b-1", body=BODY, now=NOW)


def check(headers: dict[str, str], *, body: bytes = BODY, now: datetime = NOW, keys=(NEW, OLD)) -> None:
    claim = read_claim(headers)
    verify(purpose=Purpose.BATCH, claim=claim, key=usable_key(claim, keys, now), body=body)


def test_the_signature_is_what_the_contract_says() -> None:
    content = b"v1.batch.new." + str(int(NOW.timestamp())).encode() + b".b-1." + BODY

    assert signed()["X-Edge-Signature"] == f"v1={hmac.new(b'n' * 32, content, hashlib.sha256).hexdigest()}"


@pytest.mark.parametrize("key", [OLD, NEW])
def test_each_of_several_keys_verifies(key) -> None:
    check(signed(key))


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b'{"a": 2}'},
        {"keys": (OLD,)},
        {"keys": ()},
        {"keys": (replace(NEW, secret=b"x" * 32),)},
        {"now": NOW + timedelta(seconds=301)},
        {"now": NOW - timedelta(seconds=301)},
    ],
)
def test_what_does_not_fit_is_refused(changes) -> None:
    with pytest.raises(EdgeSignatureError):
        check(signed(), **changes)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Edge-Signature", ""),
        ("X-Edge-Signature", "v1=0"),
        ("X-Edge-Signature", "v1=\udcff"),
        ("X-Edge-Timestamp", "soon"),
        ("X-Edge-Timestamp", "9" * 400),
        ("X-Edge-Batch", "another"),
        ("X-Edge-Batch", "a.b"),
        ("X-Edge-Key", "old"),
    ],
)
def test_a_changed_header_is_refused(header, value) -> None:
    with pytest.raises(EdgeSignatureError):
        check(signed() | {header: value})


def test_a_signature_opens_only_what_it_was_made_for() -> None:
    with pytest.raises(EdgeSignatureError):
        check(signed(purpose=Purpose.READY))


@pytest.mark.parametrize(
    "entries", [["k"], ["k:abc"], [":" + "a" * 64], ["k:" + "g" * 64], ["k:" + "a" * 64] * 2]
)
def test_malformed_keys_are_named_without_their_secret(entries) -> None:
    with pytest.raises(ValueError, match=r"key-id:secret|same key id") as caught:
        parse_keys(entries)

    assert "a" * 64 not in str(caught.value)


def test_a_fingerprint_tells_secrets_apart_and_depends_on_the_key() -> None:
    one, other = fingerprint(key=OLD, secret="one"), fingerprint(key=NEW, secret="one")

    assert one == hmac.new(OLD.secret, b"fingerprint.one", hashlib.sha256).hexdigest()[:16]
    assert len({one, other, fingerprint(key=OLD, secret="two")}) == 3


def delivery(**changes: Any) -> Delivery:
    told: dict[str, Any] = {
        "body": BODY,
        "secret": "sesame-sesame",
        "delivery_id": "d-1",
        "timestamp": int(NOW.timestamp()),
    }
    return Delivery(**told | changes)


def test_a_standard_webhook_is_one_its_own_library_accepts() -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251 - the library reads the clock itself

    headers = sender_headers("standard", delivery(secret=secret, timestamp=now))

    assert Webhook(secret).verify(BODY, headers) == {"a": 1}


def test_a_hmac_template_signs_what_it_says() -> None:
    options = {
        "header": "X-Sig",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "s=",
        "template": "{id}:{timestamp}:{body}!",
    }

    headers = sender_headers("hmac", delivery(options=options))

    content = b"d-1:" + str(int(NOW.timestamp())).encode() + b":" + BODY + b"!"
    wanted = hmac.new(b"sesame-sesame", content, "sha512").digest()
    assert headers == {"X-Sig": "s=" + base64.b64encode(wanted).decode()}


def test_a_scheme_that_cannot_be_imitated_says_so() -> None:
    with pytest.raises(CannotSignError, match="twilio"):
        sender_headers("twilio", delivery())
