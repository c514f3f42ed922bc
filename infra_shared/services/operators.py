"""What can be done to operators' accounts beside their forms: create, unlock, reset and check the second factor."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Max, Sum
from django.utils.crypto import salted_hmac

from infra_shared.clock import utc_now
from infra_shared.models import ALL, OperatorReach, SpentFactorCode
from infra_shared.services import audit, rate_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.contrib.auth.models import User

PASSWORD_BYTES = 15
CODE_TRIES, CODE_TRIES_SECONDS = 5, 300
_NO_DIGITS = re.compile(r"[^0-9]")
_SPENT_KEPT = timedelta(minutes=10)  # a code is good for a minute and a half


class NoSuchRoleError(ValueError):
    """A role was named that is not there."""


@transaction.atomic
def create(*, username: str, roles: Sequence[str], customers: Sequence[str] = (), actor: str) -> str:
    """A new operator in these roles, narrowed to these customers; returns the password, which is kept nowhere.

    Without customers it reaches all of them. NoSuchRoleError names a wrong role.
    """
    groups = {group.name: group for group in Group.objects.filter(name__in=roles)}
    if unknown := sorted(set(roles) - groups.keys()):
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
        raise NoSuchRoleError(f"There is no role {unknown[0]!r}. There are: {known}.")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    operator = get_user_model().objects.create_user(username, password=password, is_staff=True)
    operator.groups.set(groups.values())
    reach = sorted(set(customers))
    if reach:
        OperatorReach.objects.create(user=operator, customers=reach)
    details = {"roles": sorted(groups), "customers": reach or [ALL]}
    _record(operator, "operator.create", actor=actor, details=details)
    return password


@transaction.atomic
def unlock(*, operator: User, actor: str) -> bool:
    """Forget the failed sign-ins of an operator from everywhere; False when there were none."""
    forgotten, _ = AccessAttempt.objects.filter(username=operator.get_username()).delete()
    if forgotten:
        _record(operator, "operator.unlock", actor=actor)
    return bool(forgotten)


@transaction.atomic
def reset_second_factor(*, operator: User, actor: str, reason: str = "") -> bool:
    """Take an operator's second factor and recovery codes away, with every session they opened; False if there is none."""
    removed, _ = Authenticator.objects.filter(user=operator).delete()
    if removed:
        _record(operator, "operator.reset_second_factor", actor=actor, reason=reason)
    return bool(removed)


def has_second_factor(operator: User) -> bool:
    """Whether the operator has set one up."""
    return bool(Authenticator.objects.filter(user=operator, type=Authenticator.Type.TOTP).exists())


def locked_until(*, username: str, address: str | None, now: datetime | None = None) -> datetime | None:
    """Until when sign-ins as `username` from `address` are refused; None when they are not."""
    moment = now or utc_now()
    counted = AccessAttempt.objects.filter(
        username=username, ip_address=address, attempt_time__gt=moment - settings.AXES_COOLOFF_TIME
    ).aggregate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    if (counted["failures"] or 0) < settings.AXES_FAILURE_LIMIT:
        return None
    return counted["last"] + settings.AXES_COOLOFF_TIME  # type: ignore[no-any-return]  # a datetime plus a timedelta


def locked_names() -> set[str]:
    """The user names that are refused from at least one address."""
    since = utc_now() - settings.AXES_COOLOFF_TIME
    counted = (
        AccessAttempt.objects.filter(attempt_time__gt=since)
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"))
        .filter(failures__gte=settings.AXES_FAILURE_LIMIT)
    )
    return {row["username"] for row in counted}


def code_try(operator: User) -> rate_limits.RateDecision:
    """Count one try at an operator's second factor, and say whether it is allowed."""
    return rate_limits.hit(f"second-factor:{operator.pk}", limit=CODE_TRIES, per_seconds=CODE_TRIES_SECONDS)


def spend_code(*, operator: User, code: str) -> bool:
    """Whether this is the first use of a good code; the second is somebody who looked over a shoulder.

    The database's UNIQUE decides, so it holds across web processes: an in-process cache would let the same code in
    once for each of them. Its digits alone count, as they do where codes are compared: `123-456` is no other code.
    """
    digits = _NO_DIGITS.sub("", code)
    digest = salted_hmac("infra_shared.second_factor", f"{operator.pk}:{digits}", algorithm="sha256")
    _, is_first = SpentFactorCode.objects.get_or_create(
        user=operator, digest=digest.hexdigest(), defaults={"spent_at": utc_now()}
    )
    return is_first


def purge_sign_ins(*, now: datetime | None = None) -> int:
    """Delete failed sign-ins that lock nobody any more, expired sessions, and codes spent long ago; how many went."""
    moment = now or utc_now()
    attempts, _ = AccessAttempt.objects.filter(attempt_time__lt=moment - settings.AXES_COOLOFF_TIME).delete()
    sessions, _ = Session.objects.filter(expire_date__lt=moment).delete()
    codes, _ = SpentFactorCode.objects.filter(spent_at__lt=moment - _SPENT_KEPT).delete()
    return int(attempts + sessions + codes)


def record_own(operator: User, action: str, *, details: Mapping[str, object] | None = None) -> None:
    """A line of the audit log about something operators did to their own account."""
    _record(operator, action, actor=f"operator:{operator.get_username()}", details=details)


def _record(
    operator: User, action: str, *, actor: str, reason: str = "", details: Mapping[str, object] | None = None
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="operator",
        object_id=operator.pk,
        reason=reason,
        details={"username": operator.get_username(), **(details or {})},
    )
