"""`manage.py secrets status|rotate`: under which key encrypted values are, and how they come under the newest."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from infra_shared.key_places import Tally
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.services.key_rotation import keep_line, key_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.core.management.base import CommandParser

    from infra_shared.key_places import KeyPlace

_BATCH = 200


class Command(NounCommand):
    help = "Say under which keys encrypted values are, and encrypt them anew with the newest."

    def status_arguments(self, parser: CommandParser) -> None:
        """Arguments of `status`."""
        _shared(parser)

    def do_status(self, *, batch: int, json: bool, **_: Any) -> None:
        """Count values by key, without changing any."""
        self._tell(self._walk(rotate=False, batch=batch, quiet=json), json=json)

    def rotate_arguments(self, parser: CommandParser) -> None:
        """Arguments of `rotate`."""
        _shared(parser)
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing; end with 1 while anything is under an older key.",
        )

    def do_rotate(self, *, check: bool, batch: int, json: bool, **_: Any) -> None:
        """Encrypt everything under the newest key; may be broken off and begun again."""
        tallies = self._walk(rotate=not check, batch=batch, quiet=json)
        if not check:
            keep_line(actor=ACTOR, tallies=tallies)
        self._tell(tallies, json=json)
        older, unreadable = (
            sum(getattr(tally, name) for tally in tallies.values()) for name in ("older", "unreadable")
        )
        if unreadable:
            raise CommandError(
                f"{unreadable} values fit no key of FIELD_ENCRYPTION_KEYS. Put the key they were stored with back into the "
                "list and run this again; what cannot be found any more has to be set anew."
            )
        if older:
            raise CommandError(f"{older} values are under an older key. {_what_to_do(tallies, check=check)}")

    def _walk(self, *, rotate: bool, batch: int, quiet: bool) -> dict[str, Tally]:
        tallies: dict[str, Tally] = {}
        for place in key_places():
            tally = self._walk_once(place, rotate=rotate, batch=batch, quiet=quiet)
            if (
                rotate and tally.older
            ):  # somebody wrote while it ran; mostly with the newest key, which is seen now
                again = self._walk_once(place, rotate=True, batch=batch, quiet=quiet)
                again.rotated += tally.rotated
                tally = again
            tallies[place.name] = tally
        return tallies

    def _walk_once(self, place: KeyPlace, *, rotate: bool, batch: int, quiet: bool) -> Tally:
        tally = Tally()
        for tally in place.walk(rotate=rotate, batch=batch):
            if rotate and not quiet:
                seen = tally.newest + tally.older + tally.unreadable
                self.say(f"{place.name}: {seen} seen, {tally.rotated} encrypted anew")
        return tally

    def _tell(self, tallies: dict[str, Tally], *, json: bool) -> None:
        if json:
            places = {
                name: asdict(tally) | {"held_at": sorted(tally.held_at)} for name, tally in tallies.items()
            }
            self.say_json({"keys": len(settings.FIELD_ENCRYPTION_KEYS), "places": places})
            return
        self.say_table(
            ("PLACE", "NEWEST KEY", "OLDER KEYS", "NO KEY"),
            [(name, tally.newest, tally.older, tally.unreadable) for name, tally in tallies.items()],
            empty="Nothing is encrypted.",
        )
        for name, tally in tallies.items():
            if tally.lost_at:
                self.say(f"{name}: no key fits {', '.join(tally.lost_at)}")
            if tally.held_at:
                self.say(f"{name}: older ones lie on {', '.join(sorted(tally.held_at))}")


def _what_to_do(tallies: Mapping[str, Tally], *, check: bool) -> str:
    """How the values that are left come under the newest key."""
    nodes = sorted(set().union(*(tally.held_at for tally in tallies.values())))
    advice = []
    if nodes:
        advice.append(
            f"Some wait on {', '.join(nodes)} for the store of files, and only there they can be changed: with the new list "
            "of keys, start the node or run `manage.py artifacts deliver` there, and look again after a minute."
        )
    if any(tally.older and not tally.held_at for tally in tallies.values()):
        again = "." if check else " again: they were written while it ran."
        advice.append(f"Run `manage.py secrets rotate`{again}")
    return " ".join(advice)


def _shared(parser: CommandParser) -> None:
    parser.add_argument("--batch", type=at_least(1), default=_BATCH, help="How many values at a time.")
    parser.add_argument("--json", action="store_true")
