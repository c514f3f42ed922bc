"""`manage.py customers list|create|rename`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations.errors import CustomerInvalidError
from automations.models import Customer
from automations.services.customers import create_customer, rename_customer
from infra_shared.nouns import ACTOR, NounCommand

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

KEY = "Lower-case letters, digits and hyphens, such as acme-north; for good."


class Command(NounCommand):
    help = "List customers, make new ones, and give them other names."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List the customers, on whose behalf runs happen."""
        rows = [
            (row.key, row.name, row.created_at.isoformat(timespec="seconds"))
            for row in Customer.objects.all()
        ]
        if json:
            names = ("key", "name", "created_at")
            self.say_json([dict(zip(names, line, strict=True)) for line in rows])
            return
        empty = "There is no customer yet: `main` is made when a node first starts."
        self.say_table(("KEY", "NAME", "SINCE"), rows, empty=empty)

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        parser.add_argument("key", help=KEY)
        parser.add_argument("--name", default="", help="What people call it; else its key.")

    def do_create(self, *, key: str, name: str, **_: Any) -> None:
        """Make a customer, so that runs, schedules, sources and keys can name it."""
        try:
            customer = create_customer(key=key, name=name, actor=ACTOR)
        except CustomerInvalidError as error:
            raise CommandError(str(error)) from error
        self.say(f"The customer {customer.key} is there. A key for it: manage.py keys create --help")

    def rename_arguments(self, parser: CommandParser) -> None:
        """Arguments of `rename`."""
        parser.add_argument("key")
        parser.add_argument("name")

    def do_rename(self, *, key: str, name: str, **_: Any) -> None:
        """Give a customer another name; its key stays."""
        customer = Customer.objects.filter(key=key).first()
        if customer is None:
            raise CommandError(f"There is no customer {key!r}. See: manage.py customers list")
        try:
            rename_customer(customer=customer, name=name, actor=ACTOR)
        except CustomerInvalidError as error:
            raise CommandError(str(error)) from error
        self.say(f"{key} is called {name} now.")
