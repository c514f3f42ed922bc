"""`manage.py sites list|reset|set`: how the circuit breakers of sites stand, and putting one right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.nouns import ACTOR, NounCommand, at_least
from runs.breaker_policy import Patience
from runs.models import Site
from runs.services.breakers import reset_breaker, set_patience
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

_ADDRESS = "Its address, such as https://shop.example."
_NUMBERS = {
    "failures": "So many failures open the breaker",
    "window-seconds": "Within so many seconds",
    "pause-seconds": "It stays open for so many seconds at first",
}


class Command(NounCommand):
    help = "Look at the circuit breakers of sites, close one, and say when one opens."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List the sites something is known of."""
        rows = list(Site.objects.all())
        if json:
            self.say_json([_facts(row) for row in rows])
            return
        lines = [
            (row.origin, row.get_breaker_display().lower(), row.probe_at or "", row.breaker_reason)
            for row in rows
        ]
        self.say_table(
            ("SITE", "BREAKER", "ONE GOES AHEAD", "BECAUSE"), lines, empty="No site has failed yet."
        )

    def reset_arguments(self, parser: CommandParser) -> None:
        """Arguments of `reset`."""
        parser.add_argument("site", help=_ADDRESS)
        parser.add_argument("--reason", default="", help="Kept in the audit log.")

    def do_reset(self, *, site: str, reason: str, **_: Any) -> None:
        """Close a site's circuit breaker, so that its attempts begin again."""
        row = Site.objects.filter(origin=_origin(site)).first()
        if row is None:
            raise CommandError(f"Nothing is known of {site}. See: manage.py sites list")
        done = reset_breaker(site=row, actor=ACTOR, reason=reason)
        self.say("Its attempts begin again." if done else "It was closed before.")

    def set_arguments(self, parser: CommandParser) -> None:
        """Arguments of `set`."""
        parser.add_argument("site", help=_ADDRESS)
        for name, words in _NUMBERS.items():
            parser.add_argument(f"--{name}", type=at_least(1), help=f"{words}; else as before.")

    def do_set(self, *, site: str, failures: int | None, **seconds: Any) -> None:
        """Say after how many failures in which time its breaker opens, and for how long at first."""
        row = Site.objects.filter(origin=_origin(site)).first() or Site(origin=_origin(site))
        patience = Patience(
            failures=failures or row.open_after,
            window=timedelta(seconds=seconds["window_seconds"] or row.window_seconds),
            pause=timedelta(seconds=seconds["pause_seconds"] or row.pause_seconds),
        )
        set_patience(origin=row.origin, patience=patience, actor=ACTOR)
        self.say(f"{row.origin}: the numbers count from the next failure on.")


def _origin(address: str) -> str:
    try:
        return origin_of(address)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _facts(row: Site) -> dict[str, Any]:
    names = ("origin", "breaker", "breaker_reason", "changed_at", "probe_at", "next_start_at")
    numbers = ("open_after", "window_seconds", "pause_seconds")
    return {name: getattr(row, name) for name in names + numbers}
