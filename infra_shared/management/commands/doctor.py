"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import json as json_module
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import autodiscover_modules

from infra_shared.checkup import Check, Level, checks
from infra_shared.services.examining import examine

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.core.management.base import CommandParser

    from infra_shared.services.examining import Examined

USAGE = 2


class Command(BaseCommand):
    help = (
        "Look at everything this installation needs and say, a line each, how it is and what to do. Ends with 0 when "
        "nothing fails, 1 when something does, 2 when it was asked for a check there is not."
    )
    requires_system_checks = ()  # it has to work where nothing else does

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--only", action="append", metavar="NAME", help="Only this check; may be repeated."
        )
        parser.add_argument("--skip", action="append", metavar="NAME", help="Not this one; may be repeated.")
        parser.add_argument("--send-mail", metavar="ADDRESS", help="Send a mail there, too.")

    def handle(
        self, *, json: bool, only: list[str] | None, skip: list[str] | None, send_mail: str | None, **_: Any
    ) -> None:
        chosen = _chosen(only or (), skip or ())
        if send_mail:
            chosen.append(_mail_to(send_mail))
        seen = []
        for examined in examine(chosen):
            seen.append(examined)
            if not json:
                self._say(examined)
        if json:
            self.stdout.write(json_module.dumps(_as_json(seen), indent=2))
        if any(examined.failed for examined in seen):
            raise SystemExit(1)

    def _say(self, examined: Examined) -> None:
        for finding in examined.findings:
            advice = f"  {finding.advice}" if finding.advice else ""
            self.stdout.write(f"{finding.level:5} {examined.name:11} {finding.words}{advice}")
        self.stdout.flush()


def _chosen(only: Collection[str], skip: Collection[str]) -> list[Check]:
    autodiscover_modules("doctor")
    known = {check.name: check for check in checks()}
    for name in (*only, *skip):
        if name not in known:
            raise CommandError(
                f"There is no check {name!r}. There are: {', '.join(known)}.", returncode=USAGE
            )
    return [check for name, check in known.items() if (not only or name in only) and name not in skip]


def _mail_to(address: str) -> Check:
    from infra_shared.doctor import mail  # noqa: PLC0415 - importing it registers its check, which handle() asks for

    look = partial(mail.send_one, address)
    return Check(
        name="sent mail", look=look, advice=mail.ADVICE, order=75, seconds=mail.SECONDS, after=("mail",)
    )


def _as_json(seen: list[Examined]) -> dict[str, Any]:
    findings = [
        {"check": examined.name, "level": finding.level, "words": finding.words, "advice": finding.advice}
        for examined in seen
        for finding in examined.findings
    ]
    worst = next(
        (level for level in reversed(Level) if level in {item["level"] for item in findings}), Level.OK
    )
    return {
        "level": worst,
        "findings": findings,
        "seconds": {examined.name: examined.seconds for examined in seen},
    }
