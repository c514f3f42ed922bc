"""`manage.py keys create|revoke|reach|list`: API keys, and what their callers reach."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from infra_shared.customer_keys import check_customers
from infra_shared.models import ApiKey, Caller
from infra_shared.models.caller import ALL
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.scopes import Scope
from infra_shared.services import api_keys

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

REPEATED = "may be given several times; * for all, also those to come."


class Command(NounCommand):
    help = "Create, revoke and list API keys, and say what their callers reach."

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        parser.add_argument("caller", help="Who will use it; one caller may have several keys over time.")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=[*(scope.value for scope in Scope), ALL],
            help="May be given several times; * for everything.",
        )
        parser.add_argument(
            "--customer",
            action="append",
            default=[],
            help=f"Customer within reach of a new caller, by default main; {REPEATED}",
        )
        parser.add_argument("--days", type=at_least(1), help="Days until it expires; default: never.")

    def do_create(
        self, caller: str, scope: list[str], customer: list[str], days: int | None, **_: Any
    ) -> None:
        """Create a key and print it, once."""
        try:
            check_customers(customer)
            owner = api_keys.ensure_caller(name=caller, customers=customer, otherwise=["main"], actor=ACTOR)
        except ValueError as error:
            raise CommandError(str(error)) from error
        expires_at = timezone.now() + timedelta(days=days) if days is not None else None
        _key, text = api_keys.issue_key(
            caller=owner, name="created by command", scopes=scope, actor=ACTOR, expires_at=expires_at
        )
        self.say(text)

    def revoke_arguments(self, parser: CommandParser) -> None:
        """Arguments of `revoke`."""
        parser.add_argument("public_id", help="The eight characters after the prefix; see `keys list`.")
        parser.add_argument("--reason", default="")

    def do_revoke(self, public_id: str, reason: str, **_: Any) -> None:
        """Revoke a key at once."""
        key = ApiKey.objects.select_related("caller").filter(public_id=public_id).first()
        if key is None:
            raise CommandError(f"There is no key {public_id!r}. See: manage.py keys list")
        revoked = api_keys.revoke_key(key=key, actor=ACTOR, reason=reason)
        self.say(f"Key {public_id} is revoked." if revoked else f"Key {public_id} was revoked before.")

    def reach_arguments(self, parser: CommandParser) -> None:
        """Arguments of `reach`."""
        parser.add_argument("caller")
        parser.add_argument("--customer", action="append", default=[], required=True, help=REPEATED)
        parser.add_argument("--reason", default="")

    def do_reach(self, caller: str, customer: list[str], reason: str, **_: Any) -> None:
        """Let a caller, with all its keys, reach these customers and no others."""
        owner = Caller.objects.filter(name=caller).first()
        if owner is None:
            raise CommandError(f"There is no caller {caller!r}. See: manage.py keys list")
        try:
            check_customers(customer)
            changed = api_keys.change_reach(caller=owner, customers=customer, actor=ACTOR, reason=reason)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.say(f"{caller} reaches {', '.join(customer)} now." if changed else f"{caller} did before.")

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List the keys and what their callers reach; their secrets are kept nowhere."""
        usable = set(ApiKey.objects.usable(timezone.now()).values_list("pk", flat=True))
        rows = [
            {
                "id": key.public_id,
                "caller": key.caller.name,
                "customers": key.caller.customers,
                "scopes": key.scopes,
                "usable": key.pk in usable,
                "last_used_at": key.last_used_at,
                "expires_at": key.expires_at,
            }
            for key in ApiKey.objects.select_related("caller").order_by("-created_at")
        ]
        if json:
            self.say_json(rows)
            return
        empty = "There is no key. Create one with: manage.py keys create CALLER --scope runs:read"
        head = ("ID", "CALLER", "CUSTOMERS", "SCOPES", "STATE", "LAST USED")
        self.say_table(head, (_line(row) for row in rows), empty=empty)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    used_at = row["last_used_at"]
    return (
        row["id"],
        row["caller"],
        " ".join(row["customers"]),
        " ".join(row["scopes"]),
        "usable" if row["usable"] else "ended",
        f"{used_at:%Y-%m-%d %H:%M}" if used_at else "never used",
    )
