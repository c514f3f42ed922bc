"""`manage.py operators create|list|unlock|reset-second-factor`: who signs in to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from infra_shared.customer_keys import UnknownCustomersError, check_customers
from infra_shared.nouns import ACTOR, NounCommand
from infra_shared.services import operators

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Create, list and unlock operators, and reset their second factor."

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        parser.add_argument("username")
        parser.add_argument(
            "--role", action="append", default=[], help="Such as Operator; may be given several times."
        )
        parser.add_argument(
            "--customer",
            action="append",
            default=[],
            metavar="KEY",
            help="A customer it works for; may be given several times. Default: all of them.",
        )

    def do_create(self, username: str, role: list[str], customer: list[str], **_: Any) -> None:
        """Create an operator and print the password, once."""
        if get_user_model().objects.filter(username=username).exists():
            raise CommandError(f"There is an account {username!r} already. See: manage.py operators list")
        try:
            check_customers(customer)
            self.say(operators.create(username=username, roles=role, customers=customer, actor=ACTOR))
        except (operators.NoSuchRoleError, UnknownCustomersError) as error:
            raise CommandError(str(error)) from error

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List the operators: roles, second factor, locks."""
        locked = operators.locked_names()
        with_factor = set(
            Authenticator.objects.filter(type=Authenticator.Type.TOTP).values_list("user_id", flat=True)
        )
        rows = [
            {
                "username": operator.username,
                "roles": sorted(group.name for group in operator.groups.all()),
                "everything": operator.is_superuser,
                "state": _state(operator, locked),
                "second_factor": operator.pk in with_factor,
                "last_sign_in": operator.last_login,
            }
            for operator in get_user_model()
            .objects.filter(is_staff=True)
            .order_by("username")
            .prefetch_related("groups")
        ]
        if json:
            self.say_json(rows)
            return
        empty = "There is no operator. Create one with: manage.py operators create NAME --role Operator"
        head = ("NAME", "ROLES", "STATE", "SECOND FACTOR", "LAST SIGN-IN")
        self.say_table(head, (_line(row) for row in rows), empty=empty)

    def unlock_arguments(self, parser: CommandParser) -> None:
        """Arguments of `unlock`."""
        parser.add_argument("username")

    def do_unlock(self, username: str, **_: Any) -> None:
        """Forget an operator's failed sign-ins, so that the next one is tried at once."""
        unlocked = operators.unlock(operator=_found(username), actor=ACTOR)
        self.say(f"{username} may sign in again." if unlocked else f"{username} was not locked.")

    def reset_second_factor_arguments(self, parser: CommandParser) -> None:
        """Arguments of `reset-second-factor`."""
        parser.add_argument("username")
        parser.add_argument("--reason", default="")

    def do_reset_second_factor(self, username: str, reason: str, **_: Any) -> None:
        """Take an operator's second factor away; the next sign-in sets up a new one."""
        reset = operators.reset_second_factor(operator=_found(username), actor=ACTOR, reason=reason)
        said = "has no second factor any more; its sessions are over." if reset else "had no second factor."
        self.say(f"{username} {said}")


def _found(username: str) -> User:
    operator = get_user_model().objects.filter(username=username).first()
    if operator is None:
        raise CommandError(f"There is no operator {username!r}. See: manage.py operators list")
    return operator


def _state(operator: User, locked: set[str]) -> str:
    if not operator.is_active:
        return "deactivated"
    return "locked" if operator.username in locked else "active"


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["username"],
        "everything" if row["everything"] else ", ".join(row["roles"]) or "none",
        row["state"],
        "yes" if row["second_factor"] else "no",
        f"{row['last_sign_in']:%Y-%m-%d %H:%M}" if row["last_sign_in"] else "never",
    )
