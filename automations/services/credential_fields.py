"""What fields a credential of each kind has, and what each may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from automations.errors import CredentialError
from automations.models import CredentialKind
from infra_shared.totp import FIELDS as OF_CODES
from infra_shared.totp import SEED, SeedError, TotpSeed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NEEDED: dict[str, tuple[str, ...]] = {
    CredentialKind.LOGIN: ("username", "password"),
    CredentialKind.TOKEN: ("token",),
    CredentialKind.TOTP: (SEED,),
    CredentialKind.GENERAL: (),
}
POSSIBLE: dict[str, tuple[str, ...] | None] = {
    CredentialKind.LOGIN: ("username", "password", *OF_CODES),
    CredentialKind.TOKEN: ("token",),
    CredentialKind.TOTP: OF_CODES,
    CredentialKind.GENERAL: None,
}
"""None: any fields."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
LONGEST_VALUE = 20_000


def check_fields(kind: str, fields: Mapping[str, str]) -> None:
    """Raise CredentialError, which names fields and never values, when these are not what the kind needs."""
    check_names(kind, fields)
    empty = sorted(name for name, value in fields.items() if not value)
    if empty:
        raise CredentialError(f"These fields are empty: {', '.join(empty)}.")
    too_long = sorted(name for name, value in fields.items() if len(value) > LONGEST_VALUE)
    if too_long:
        raise CredentialError(f"{too_long[0]} has more than {LONGEST_VALUE} characters.")
    if SEED in fields:
        try:
            TotpSeed.of(fields)
        except SeedError as error:
            raise CredentialError(str(error)) from None  # the seed would be among the locals of its traceback


def check_names(kind: str, names: Collection[str]) -> None:
    """Raise CredentialError when fields are missing, or are none of this kind's."""
    title = CredentialKind(kind).label
    if missing := [name for name in NEEDED[kind] if name not in names]:
        raise CredentialError(f"“{title}” needs the field {' and '.join(missing)}.")
    if not names:
        raise CredentialError("A credential needs at least one field, such as username and password.")
    possible = POSSIBLE[kind]
    if possible is not None and (unknown := sorted(set(names) - set(possible))):
        raise CredentialError(f"“{title}” has no field {unknown[0]}; it may have {', '.join(possible)}.")
    if wrong := sorted(name for name in names if not _NAME.fullmatch(name)):
        raise CredentialError(
            f"{wrong[0]!r} is no name of a field: use letters, digits and underscores, such as card_number."
        )
