"""`manage.py credentials set NAME …`: what automations sign in with."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from automations.errors import CredentialError
from automations.models import Credential
from automations.services.credentials import set_credential
from infra_shared.nouns import ACTOR, NounCommand, pairs

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Set and list credentials. Values are stored encrypted and never shown again."

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

    def do_set(self, name: str, fields: list[str], **_: Any) -> None:
        """Create or replace a credential."""
        wanted = fields or ["username", "password"]
        try:
            given = pairs(word for word in wanted if "=" in word)
            asked = {field: _ask(field) for field in wanted if "=" not in field}
            set_credential(name=name, fields={**given, **asked}, actor=ACTOR)
        except (CredentialError, ValueError) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.say(f"Credential {name} is set ({', '.join(sorted({**given, **asked}))}).")

    def do_list(self, **_: Any) -> None:
        """List the credentials with the names of their fields."""
        self.say_table(
            ("NAME", "FIELDS", "CHANGED"),
            (
                (row.name, ", ".join(row.field_names), f"{row.updated_at:%Y-%m-%d %H:%M}")
                for row in Credential.objects.all()
            ),
            empty="No credential is set. Set one with: manage.py credentials set NAME",
        )


def _ask(field: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{field}: ")
    return sys.stdin.readline().rstrip("\n")
