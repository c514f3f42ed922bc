"""How long rows are kept: how an app declares it, and what a sweep that removes old rows is.

Each app lists its models in `<app>/retention.py` as `KEPT`. A test walks every model there is and demands its line, so that
a table that grows cannot be forgotten; docs/operations.md shows the same lines. Tables of Django and django-q2 are
listed by this app.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    Batch = list["Removed"]
    Sweep = Callable[["Order"], Iterator[Batch]]

EVERY_SHELF = tuple(f"{number:02x}" for number in range(256))
"""The first two digits of a digest: the store and the table of blobs are looked through one such shelf at a time."""


class Keep(StrEnum):
    """What bounds a table."""

    BOUNDED = "bounded"
    """By what people set up, not by how long the system runs."""
    WITH_OWNER = "goes with its owner"
    """Its rows are removed with the row they belong to."""
    RULE = "by rule"
    """A sweep removes what is old."""
    FOR_EVER = "for ever, on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long the rows of one model stay, in words, and the dotted path of the sweep that removes the old ones.

    A sweep removes a bounded batch in a transaction of its own at each step, and gives its lines of the deletion ledger;
    in a dry run it gives what it would remove, and changes nothing. It may be ended between two steps, and may run
    twice at once. `sweep` is empty where another one, or a chore of its own, sees to the rows.
    """

    model: str
    keep: Keep
    words: str
    sweep: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order to remove what is too old at `now` (the database's clock); a dry run removes nothing.

    `shelves` are the parts of the blob store to look through.
    """

    now: datetime
    actor: str = "system"
    dry_run: bool = False
    shelves: Sequence[str] = EVERY_SHELF


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What one batch removed for one customer ("" where it is nobody's) by one rule; bytes where that is known."""

    what: str
    rule: str
    rows: int
    customer: str = ""
    size_bytes: int = 0


_OWN = (
    Kept(
        model="infra_shared.Blob",
        keep=Keep.RULE,
        words="until nothing refers to it, and ORPHAN_GRACE_HOURS longer; its bytes as long",
        sweep="infra_shared.services.orphans.sweep_orphans",
    ),
    Kept(
        model="infra_shared.Alert",
        keep=Keep.RULE,
        words="365 days after it was over",
        sweep="infra_shared.services.old_rows.sweep_alerts",
    ),
    Kept(
        model="infra_shared.OutboxMessage",
        keep=Keep.RULE,
        words="30 days when it was sent, 180 when it failed or was dropped; one that is still to be sent stays",
        sweep="infra_shared.services.old_rows.sweep_messages",
    ),
    Kept(
        model="infra_shared.AuditLine",
        keep=Keep.RULE,
        words="AUDIT_DAYS",
        sweep="infra_shared.services.old_rows.sweep_audit",
    ),
    Kept(
        model="infra_shared.Deletion",
        keep=Keep.RULE,
        words="AUDIT_DAYS",
        sweep="infra_shared.services.old_rows.sweep_deletions",
    ),
    Kept(
        model="infra_shared.Spool",
        keep=Keep.RULE,
        words="30 days after its node was given up, when nothing waits in it; chore look-after-spools",
    ),
    Kept(
        model="infra_shared.RateWindow",
        keep=Keep.RULE,
        words="an hour after its window; chore purge-rate-windows",
    ),
    Kept(
        model="infra_shared.SpentFactorCode",
        keep=Keep.RULE,
        words="until its code can be used no more; chore purge-sign-ins",
    ),
    Kept(
        model="infra_shared.SignedInSession",
        keep=Keep.BOUNDED,
        words="one for each customer, site and account; its state until it is too old for everybody who wanted it, chore erase-old-sessions",
    ),
    Kept(model="infra_shared.AlertChannel", keep=Keep.BOUNDED, words="as many as people set up"),
    Kept(model="infra_shared.Caller", keep=Keep.BOUNDED, words="as many as people make"),
    Kept(
        model="infra_shared.ApiKey", keep=Keep.FOR_EVER, words="revoked ones too: who could do what, and when"
    ),
    Kept(model="infra_shared.OperatorReach", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(model="infra_shared.SavedFilter", keep=Keep.BOUNDED, words="as many as operators save"),
)
_OF_OTHERS = (
    Kept(
        model="sessions.Session",
        keep=Keep.RULE,
        words="until it expires",
        sweep="infra_shared.services.old_rows.sweep_sessions",
    ),
    Kept(model="auth.User", keep=Keep.BOUNDED, words="as many as there are operators"),
    Kept(model="auth.Group", keep=Keep.BOUNDED, words="as many as there are roles"),
    Kept(model="auth.Permission", keep=Keep.BOUNDED, words="as many as the code declares"),
    Kept(model="auth.Group_permissions", keep=Keep.WITH_OWNER, words="with its role"),
    Kept(model="auth.User_groups", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(model="auth.User_user_permissions", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(model="contenttypes.ContentType", keep=Keep.BOUNDED, words="as many as there are models"),
    Kept(model="admin.LogEntry", keep=Keep.BOUNDED, words="none is written: the audit log stands for it"),
    Kept(model="account.EmailAddress", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(model="account.EmailConfirmation", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(model="mfa.Authenticator", keep=Keep.WITH_OWNER, words="with its operator"),
    Kept(
        model="axes.AccessAttempt",
        keep=Keep.RULE,
        words="until it locks nobody any more; chore purge-sign-ins",
    ),
    Kept(model="axes.AccessAttemptExpiration", keep=Keep.WITH_OWNER, words="with its attempt"),
    Kept(model="axes.AccessLog", keep=Keep.BOUNDED, words="none is written: AXES_DISABLE_ACCESS_LOG"),
    Kept(
        model="axes.AccessFailureLog",
        keep=Keep.BOUNDED,
        words="none is written unless AXES_ENABLE_ACCESS_FAILURE_LOG is set",
    ),
    Kept(model="django_q.OrmQ", keep=Keep.BOUNDED, words="as many as there are tickets under way"),
    Kept(model="django_q.Schedule", keep=Keep.BOUNDED, words="one for each chore"),
    Kept(
        model="django_q.Task",
        keep=Keep.RULE,
        words="none of those that succeeded; the others 30 days; chore forget-old-tickets",
    ),
    Kept(model="django_q.Success", keep=Keep.WITH_OWNER, words="a view of Task"),
    Kept(model="django_q.Failure", keep=Keep.WITH_OWNER, words="a view of Task"),
)
KEPT = (*_OWN, *_OF_OTHERS)


def declared() -> list[Kept]:
    """The `KEPT` of every installed app that has a `retention` module."""
    found: list[Kept] = []
    for app in apps.get_app_configs():
        name = f"{app.name}.retention"
        if importlib.util.find_spec(name) is not None:
            found.extend(getattr(importlib.import_module(name), "KEPT", ()))
    return found


def sweeps() -> dict[str, Sweep]:
    """Every declared sweep by its dotted path, each once, in the order of the apps."""
    paths = dict.fromkeys(item.sweep for item in declared() if item.sweep)
    return {path: _function(path) for path in paths}


def _function(path: str) -> Sweep:
    module, _, name = path.rpartition(".")
    function: Sweep = getattr(importlib.import_module(module), name)
    return function
