"""Sources and their secrets: create, change, rotate, delete. The edge learns of it by `edge sync`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from automations.errors import FieldProblem
from infra_shared.database import database_now
from infra_shared.services import audit
from intake.errors import IntakeInvalidError
from intake.models import Source, SourceSecret
from intake.services.source_input import (
    SourceInput,
    input_of,
    new_secret,
    problem_of_secret,
    problems_of_source,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_OVERLAP = timedelta(days=1)
LONGEST_OVERLAP = timedelta(days=90)


@transaction.atomic
def create_source(*, wanted: SourceInput, actor: str, secrets: Sequence[str] = ()) -> tuple[Source, str]:
    """A new source with its secrets, and the secret that was made for it: "" where some were given.

    IntakeInvalidError lists what does not fit. A secret made here is shown now and never again.
    """
    made = "" if secrets else new_secret(wanted.scheme)
    problems = problems_of_source(wanted) + _problems_of_secrets(wanted.scheme, secrets)
    if Source.objects.filter(slug=wanted.slug).exists():
        problems.append(FieldProblem("slug", "There is or was a source of this name; choose another one."))
    source = Source(**_columns(wanted))
    problems += _problems_of_row(source, problems)
    if problems:
        raise IntakeInvalidError(problems)
    source.save(force_insert=True)
    for secret in secrets or (made,):
        SourceSecret.objects.create(source=source, secret=secret, created_by=actor)
    _audit("source.create", source, actor)
    return source, made


@transaction.atomic
def change_source(*, source: Source, wanted: SourceInput, actor: str) -> Source:
    """Change a source; its slug and its customer stay. IntakeInvalidError lists what does not fit."""
    locked = _locked(source)
    before = input_of(locked)
    problems = problems_of_source(wanted)
    if (wanted.slug, wanted.customer) != (before.slug, before.customer):
        problems.append(FieldProblem("slug", "A source keeps its slug and its customer; make another one."))
    if wanted.scheme != before.scheme:
        for secret in locked.secrets.valid_at(database_now()):
            words = problem_of_secret(wanted.scheme, secret.secret.reveal())
            problems += [FieldProblem("scheme", f"Its secrets do not fit. {words}")] if words else []
    for name, value in _columns(wanted).items():
        setattr(locked, name, value)
    problems += _problems_of_row(locked, problems)
    if problems:
        raise IntakeInvalidError(problems)
    locked.synced_at = None
    locked.save()
    changed = [
        name for name in SourceInput.__dataclass_fields__ if getattr(before, name) != getattr(wanted, name)
    ]
    _audit("source.change", locked, actor, changed=changed)
    return locked


@transaction.atomic
def rotate_secret(
    *, source: Source, actor: str, secret: str = "", overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[SourceSecret, str]:
    """Add a secret and let the others end after `overlap`; returns it, and its text where it was made here, else "".

    Zero ends the others at once. None of them is given longer than it had.
    """
    locked = _locked(source)
    problems = _problems_of_secrets(locked.scheme, [secret] if secret else [])
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        problems.append(FieldProblem("overlap_seconds", f"It is at most {LONGEST_OVERLAP.days} days."))
    if problems:
        raise IntakeInvalidError(problems)
    now = database_now()
    locked.secrets.filter(valid_until__isnull=True).update(valid_until=now + overlap)
    locked.secrets.filter(valid_until__gt=now + overlap).update(valid_until=now + overlap)
    made = "" if secret else new_secret(locked.scheme)
    added = SourceSecret.objects.create(source=locked, secret=secret or made, created_by=actor)
    _to_be_synced(locked)
    _audit("source.rotate", locked, actor, overlap_seconds=int(overlap.total_seconds()))
    return added, made


@transaction.atomic
def end_secret(*, secret: SourceSecret, actor: str) -> bool:
    """Let a secret end now; False when it had ended. The last valid one stays: disable the source instead."""
    locked = _locked(secret.source)
    now = database_now()
    valid = list(locked.secrets.valid_at(now))
    if secret not in valid:
        return False
    if len(valid) == 1:
        raise IntakeInvalidError(
            [FieldProblem("secret", "It is the last one; rotate it, or disable the source.")]
        )
    SourceSecret.objects.filter(pk=secret.pk).update(valid_until=now)
    _to_be_synced(locked)
    _audit("source.end_secret", locked, actor, secret=secret.pk)
    return True


@transaction.atomic
def delete_source(*, source: Source, actor: str, reason: str = "") -> bool:
    """End a source for good; False when it was deleted. Its events stay; its secrets are erased."""
    locked = _locked(source)
    if locked.deleted_at is not None:
        return False
    locked.deleted_at, locked.is_enabled, locked.synced_at = database_now(), False, None
    locked.save()
    locked.secrets.all().delete()
    _audit("source.delete", locked, actor, reason)
    return True


def _locked(source: Source) -> Source:
    return Source.objects.select_for_update(of=("self",)).select_related("customer").get(pk=source.pk)


def _to_be_synced(source: Source) -> None:
    # A sync under way must see that this came after it read.
    Source.objects.filter(pk=source.pk).update(synced_at=None, updated_at=database_now())


def _columns(wanted: SourceInput) -> dict[str, Any]:
    said = {name: getattr(wanted, name) for name in SourceInput.__dataclass_fields__}
    return said | {"name": wanted.name.strip(), "type_path": wanted.type_path.strip()}


def _problems_of_secrets(scheme: str, secrets: Sequence[str]) -> list[FieldProblem]:
    words = (problem_of_secret(scheme, secret) for secret in secrets)
    return [FieldProblem("secret", word) for word in words if word]


def _problems_of_row(source: Source, known: list[FieldProblem]) -> list[FieldProblem]:
    """What the columns themselves refuse, of fields nothing was said about yet."""
    told = {problem.field.partition(".")[0] for problem in known}
    try:
        source.clean_fields(exclude=told)
    except ValidationError as error:
        return [FieldProblem(name, " ".join(words)) for name, words in error.message_dict.items()]
    return []


def _audit(action: str, source: Source, actor: str, reason: str = "", **details: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="source",
        object_id=source.slug,
        customer=source.customer.key,
        reason=reason,
        details=details,
    )
