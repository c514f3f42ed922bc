"""`manage.py credentials set|bind|list|show|delete`: what automations sign in with, and where it may go."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from automations.errors import CredentialError
from automations.models import Credential, CredentialKind, CredentialUse
from automations.services.credential_fields import NEEDED
from automations.services.credentials import (
    Binding,
    bind_credential,
    delete_credential,
    set_credential,
    used_by,
)
from infra_shared.nouns import ACTOR, NounCommand, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.management.base import CommandParser

_USES_SHOWN = 10
_USUAL = ("username", "password")


class Command(NounCommand):
    help = "Set, bind and list credentials. Values are stored encrypted and never shown again."

    def set_arguments(self, parser: CommandParser) -> None:
        """Arguments of `set`."""
        parser.add_argument("name", help="What automations call it, such as practice-shop.")
        parser.add_argument(
            "fields",
            nargs="*",
            metavar="field[=value]",
            help="Fields; one without a value is asked for, or read from standard input, one line each. "
            "Values on the command line can be read by others on this machine.",
        )
        parser.add_argument(
            "--kind", choices=CredentialKind.values, help="What it is; else as before, or general."
        )
        parser.add_argument(
            "--from-env",
            action="append",
            default=[],
            metavar="FIELD=VARIABLE",
            help="Take a field from a variable of this command's environment, once.",
        )
        parser.add_argument(
            "--reference", default="", help="Where a vault keeps the fields, such as env:CREDENTIAL_SHOP."
        )
        _binding_arguments(parser)

    def do_set(self, name: str, fields: list[str], kind: str | None, reference: str, **options: Any) -> None:
        """Create or replace a credential."""
        binding = _binding(options) if _binds(options) else None
        before = Credential.objects.filter(name=name).values_list("kind", flat=True).first()
        with _Told():
            given = {} if reference else _values(fields, options["from_env"], kind or before or "")
            credential = set_credential(
                name=name, kind=kind, fields=given, reference=reference, binding=binding, actor=ACTOR
            )
        self.say(f"Credential {name} is set ({', '.join(credential.field_names) or reference}).")
        if not (credential.sites or credential.any_site):
            self.say(
                f"It goes to the sites its automation declares or opens itself, to none that params name. Bind it to sites of its own with: "
                f"manage.py credentials bind {name} --site https://…"
            )

    def bind_arguments(self, parser: CommandParser) -> None:
        """Arguments of `bind`."""
        parser.add_argument("name")
        parser.add_argument(
            "--add", action="store_true", help="Add to what it is bound to; else this is all it is bound to."
        )
        _binding_arguments(parser)

    def do_bind(self, name: str, *, add: bool, **options: Any) -> None:
        """Say who may use a credential and where it may go."""
        binding = _binding(options)
        with _Told():
            if add:
                binding = _added(_one(name), binding)
            self.say_json(_facts(bind_credential(name=name, binding=binding, actor=ACTOR)))

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool = False, **_: Any) -> None:
        """List the credentials with the names of their fields."""
        rows = Credential.objects.defer("fields")
        if json:
            self.say_json([_facts(row) for row in rows])
            return
        self.say_table(
            ("NAME", "KIND", "FIELDS", "SITES", "CHANGED"),
            (
                (
                    row.name,
                    row.kind,
                    ", ".join(row.field_names),
                    "any" if row.any_site else ", ".join(row.sites) or "of its automation",
                    f"{row.updated_at:%Y-%m-%d %H:%M}",
                )
                for row in rows
            ),
            empty="No credential is set. Set one with: manage.py credentials set NAME",
        )

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        parser.add_argument("name")

    def do_show(self, name: str, **_: Any) -> None:
        """Print all but the values of one credential, with its latest uses, as JSON."""
        uses = CredentialUse.objects.filter(credential=name)[:_USES_SHOWN]
        with _Told():
            facts = _facts(_one(name))
        self.say_json(
            {
                **facts,
                "used_by": [item.key for item in used_by(name)],
                "uses": [
                    {
                        "at": use.used_at,
                        "run": use.run_id,
                        "attempt": use.attempt,
                        "automation": use.automation,
                        "customer": use.customer,
                    }
                    for use in uses
                ],
            }
        )

    def delete_arguments(self, parser: CommandParser) -> None:
        """Arguments of `delete`."""
        parser.add_argument("name")

    def do_delete(self, name: str, **_: Any) -> None:
        """Take a credential away."""
        with _Told():
            delete_credential(name=name, actor=ACTOR)
        self.say(f"Credential {name} is deleted.")
        if wanted := [item.key for item in used_by(name)]:
            self.say(f"Runs of these automations fail until it is set again: {', '.join(wanted)}.")


class _Told:
    """Turns what a service refuses into the command's own error."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ValidationError):
            raise CommandError(" ".join(error.messages)) from error
        if isinstance(error, CredentialError | ValueError):
            raise CommandError(str(error)) from error


def _binding_arguments(parser: CommandParser) -> None:
    add: Callable[..., Any] = parser.add_argument
    add("--site", action="append", default=[], help="An address of a site it may go to.")
    add("--any-site", action="store_true", help="Let it go to any site at all.")
    add("--customer", action="append", default=[], help="A customer whose runs may use it; else all.")
    add("--automation", action="append", default=[], help="An automation that may use it; else all.")


def _binds(options: dict[str, Any]) -> bool:
    return any(options[name] for name in ("site", "any_site", "customer", "automation"))


def _binding(options: dict[str, Any]) -> Binding:
    return Binding(
        sites=options["site"],
        any_site=options["any_site"],
        customers=options["customer"],
        automations=options["automation"],
    )


def _added(before: Credential, more: Binding) -> Binding:
    """What a credential is bound to, and more. One that all may use already stays so."""
    is_any = more.any_site or (before.any_site and not more.sites)
    return Binding(
        sites=[] if is_any else [*before.sites, *more.sites],
        any_site=is_any,
        customers=[*before.customers, *more.customers] if before.customers else [],
        automations=[*before.automations, *more.automations] if before.automations else [],
    )


def _one(name: str) -> Credential:
    credential = Credential.objects.defer("fields").filter(name=name).first()
    if credential is None:
        raise CredentialError(f"There is no credential {name!r}.")
    return credential


def _facts(row: Credential) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "fields": row.field_names,
        "reference": row.reference,
        "sites": row.sites,
        "any_site": row.any_site,
        "customers": row.customers,
        "automations": row.automations,
        "updated_at": row.updated_at,
        "last_used_at": row.last_used_at,
    }


def _values(fields: list[str], from_env: list[str], kind: str) -> dict[str, str]:
    """What was given: in the words, in the environment, and for the rest by whoever is asked."""
    named = pairs(word for word in fields if "=" in word)
    found = {field: _variable(source) for field, source in pairs(from_env).items()}
    asked = [word for word in fields if "=" not in word]
    if not (fields or from_env):
        asked = list(NEEDED.get(kind) or _USUAL)
    return {**named, **found, **{field: _ask(field) for field in asked}}


def _variable(name: str) -> str:
    value = os.environ.get(name)  # noqa: TID251 - this command's own input, named by its user
    if not value:
        raise CredentialError(f"The environment variable {name} is not set.")
    return value


def _ask(field: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{field}: ")
    return sys.stdin.readline().rstrip("\n")
