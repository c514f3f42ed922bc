"""`manage.py keys create|revoke|list`: API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from infra_shared.models import ApiKey
from infra_shared.models.caller import ALL
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.scopes import Scope
from infra_shared.services import api_keys

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Create, revoke and list API keys."

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
            help="Customer within reach; only counts for a new caller. Default: main.",
        )
        parser.add_argument("--days", type=at_least(1), help="Days until it expires; default: never.")

    def do_create(
        self, caller: str, scope: list[str], customer: list[str] | None, days: int | None, **_: Any
    ) -> None:
        """Create a key and print it, once."""
        owner = api_keys.ensure_caller(name=caller, customers=customer or ["main"], actor=ACTOR)
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

    def do_list(self, **_: Any) -> None:
        """List the keys; their secrets are kept nowhere."""
        now = timezone.now()
        usable = set(ApiKey.objects.usable(now).values_list("pk", flat=True))
        rows = (
            (
                key.public_id,
                key.caller.name,
                " ".join(key.scopes),
                "usable" if key.pk in usable else "ended",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used",
            )
            for key in ApiKey.objects.select_related("caller").order_by("-created_at")
        )
        empty = "There is no key. Create one with: manage.py keys create CALLER --scope runs:read"
        self.say_table(("ID", "CALLER", "SCOPES", "STATE", "LAST USED"), rows, empty=empty)
