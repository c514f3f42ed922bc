"""API keys: issued once, checked on every request, rotated, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from infra_shared.key_format import new_key, parse_key
from infra_shared.models import ALL, ApiKey, Caller
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Iterable

_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class KeyProblem(StrEnum):
    """Why a key is refused. Expired and revoked are told only to who holds the right secret."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKeyRefusedError(Exception):
    """A key that opens nothing; the message is fit for the holder, `problem` for programs."""

    def __init__(self, problem: KeyProblem) -> None:
        super().__init__(_MESSAGES[problem])
        self.problem = problem


_MESSAGES = {
    KeyProblem.MALFORMED: "This is not an API key of this service: its form or checksum is wrong. Copy it again.",
    KeyProblem.UNKNOWN: "This API key is not known here. Ask an operator for a new one.",
    KeyProblem.EXPIRED: "This API key has expired. Ask an operator for a new one.",
    KeyProblem.REVOKED: "This API key was revoked. Ask an operator for a new one.",
}


class CallerReachError(ValueError):
    """A caller cannot be had with this reach; the message says what to do."""


@transaction.atomic
def ensure_caller(
    *, name: str, customers: Iterable[str] = (), otherwise: Iterable[str] = (), actor: str
) -> Caller:
    """The caller of this name; if there is none, one that reaches these customers (`otherwise`, where none are said).

    CallerReachError when there is one that reaches others, so that nobody gives away a key that opens more than they
    asked for, and when a new one would reach nobody.
    """
    wanted = sorted(set(customers))
    known = Caller.objects.filter(name=name).first()
    if known is None:
        reach = wanted or sorted(set(otherwise))
        if not reach:
            raise CallerReachError(f"{name!r} is a new caller: say which customers it reaches, or * for all.")
        known, created = Caller.objects.get_or_create(name=name, defaults={"customers": reach})
        if created:
            _audit_caller("caller.create", known, actor=actor)
    if wanted and sorted(known.customers) != wanted:
        raise CallerReachError(
            f"{name!r} is there already and reaches {_in_words(known)}. Leave the customers out to give it another key; "
            "what a caller reaches is changed on the page of one of its keys, or by `keys reach`."
        )
    return known


@transaction.atomic
def change_reach(*, caller: Caller, customers: Iterable[str], actor: str, reason: str = "") -> bool:
    """Let a caller, with all its keys, reach these customers alone from now on; False when it does already."""
    wanted = sorted(set(customers))
    if not wanted:
        raise CallerReachError("Say which customers it reaches, or * for all. To end a key, revoke it.")
    locked = Caller.objects.select_for_update().get(pk=caller.pk)
    before = sorted(locked.customers)
    if before == wanted:
        return False
    locked.customers = wanted
    locked.save(update_fields=["customers"])
    _audit_caller("caller.reach", locked, actor=actor, reason=reason, before=before)
    return True


def _in_words(caller: Caller) -> str:
    return "all customers" if ALL in caller.customers else ", ".join(sorted(caller.customers))


def _audit_caller(action: str, caller: Caller, *, actor: str, reason: str = "", **details: object) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="caller",
        object_id=caller.pk,
        reason=reason,
        details={"name": caller.name, "customers": caller.customers, **details},
    )


@transaction.atomic
def issue_key(
    *,
    caller: Caller,
    name: str,
    scopes: Iterable[str],
    actor: str,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its plain text, which is kept nowhere: show it once."""
    text = new_key(settings.API_KEY_PREFIX)
    key = ApiKey.objects.create(
        public_id=text.public_id,
        secret_sha256=text.secret_sha256,
        caller=caller,
        name=name,
        scopes=sorted(set(scopes)),
        created_by=actor,
        expires_at=expires_at,
    )
    _audit("api_key.issue", key, actor=actor, details={"scopes": key.scopes})
    return key, text.plaintext


@transaction.atomic
def rotate_key(
    *,
    key: ApiKey,
    grace: timedelta,
    actor: str,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key for the same caller with the same name and scopes; the old one works for `grace` longer, at most."""
    old_ends_at = (now or timezone.now()) + grace
    locked = ApiKey.objects.select_for_update().select_related("caller").get(pk=key.pk)
    successor, plaintext = issue_key(
        caller=locked.caller,
        name=locked.name,
        scopes=locked.scopes,
        actor=actor,
        expires_at=expires_at,
    )
    if locked.expires_at is None or locked.expires_at > old_ends_at:
        locked.expires_at = old_ends_at
        locked.save(update_fields=["expires_at"])
    _audit("api_key.rotate", locked, actor=actor, details={"successor": successor.public_id})
    return successor, plaintext


@transaction.atomic
def revoke_key(*, key: ApiKey, actor: str, reason: str = "", now: datetime | None = None) -> bool:
    """End a key at once; False when it was revoked already."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(
        revoked_at=now or timezone.now()
    )
    if revoked:
        _audit("api_key.revoke", key, actor=actor, reason=reason)
    return bool(revoked)


def authenticate(plaintext: str, *, now: datetime | None = None) -> ApiKey:
    """The key (with its caller) that this text opens; raises ApiKeyRefusedError, which says why not.

    One indexed look-up, and none at all for a text that is no key.
    """
    text = parse_key(plaintext)
    if text is None or text.prefix != settings.API_KEY_PREFIX:
        raise ApiKeyRefusedError(KeyProblem.MALFORMED)
    key = ApiKey.objects.select_related("caller").filter(public_id=text.public_id).first()
    if key is None or not text.matches(key.secret_sha256):
        raise ApiKeyRefusedError(KeyProblem.UNKNOWN)
    if key.revoked_at is not None:
        raise ApiKeyRefusedError(KeyProblem.REVOKED)
    if key.expires_at is not None and key.expires_at <= (now or timezone.now()):
        raise ApiKeyRefusedError(KeyProblem.EXPIRED)
    return key


def touch_last_used(*, key: ApiKey, now: datetime | None = None) -> bool:
    """Note that the key was used, at most once a minute; whether it was noted now."""
    now = now or timezone.now()
    stale = now - _USE_IS_NOTED_EVERY
    if key.last_used_at is not None and key.last_used_at > stale:
        return False
    not_noted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=stale)
    return bool(ApiKey.objects.filter(not_noted, pk=key.pk).update(last_used_at=now))


def _audit(
    action: str,
    key: ApiKey,
    *,
    actor: str,
    reason: str = "",
    details: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="api_key",
        object_id=key.public_id,
        reason=reason,
        details={"name": key.name, "caller": key.caller.name, **(details or {})},
    )
