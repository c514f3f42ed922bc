"""`manage.py limits` and `sites` do what their pages in the console do, each with its line in the audit log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.models import Limit, Site

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"


def noted(action: str) -> Iterable[tuple[str, str]]:
    return list(AuditLine.objects.filter(action=action).values_list("actor", "object_id"))


def test_a_limit_is_set_listed_and_removed_again(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("limits", "set", f"site:{SHOP}/login", "--most", "2", "--starts-per-minute", "30")
    capsys.readouterr()
    call_command("limits", "list", "--json")
    (listed,) = json.loads(capsys.readouterr().out)
    call_command("limits", "list")
    told = capsys.readouterr().out

    call_command("limits", "remove", f"site:{SHOP}")

    assert (listed["key"], listed["most"], listed["starts_per_minute"]) == (f"site:{SHOP}", 2, 30)
    assert listed["in_use"] == 0
    assert f"site:{SHOP}" in told
    assert not Limit.objects.exists()
    assert noted("limit.set") == noted("limit.remove") == [("command", f"site:{SHOP}")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["set", "shop", "--most", "1"], "names nothing that can be limited"),
        (["set", "customer:main"], "how many at once"),
        (["set", "customer:main", "--starts-per-minute", "3"], "for sites alone"),
        (["remove", "customer:main"], "limits list"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_what_does(words: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("limits", *words)
    assert not Limit.objects.exists()


def test_a_breaker_is_seen_and_closed(capsys: pytest.CaptureFixture[str]) -> None:
    Site.objects.create(origin=SHOP, breaker="open", breaker_reason="5 failures", probe_at=database_now())

    call_command("sites", "list")
    call_command("sites", "reset", f"{SHOP}/", "--reason", "It is back.")
    call_command("sites", "reset", SHOP)

    told = capsys.readouterr().out
    assert "5 failures" in told
    assert told.endswith("Its attempts begin again.\nIt was closed before.\n")
    assert Site.objects.get().breaker == "closed"
    assert noted("site.reset") == [("command", SHOP)]
    with pytest.raises(CommandError, match="Nothing is known of https://other"):
        call_command("sites", "reset", "https://other.example")


def test_the_numbers_of_a_site_change_one_by_one() -> None:
    call_command("sites", "set", SHOP, "--failures", "9")
    call_command("sites", "set", SHOP, "--pause-seconds", "30")

    site = Site.objects.get()
    assert (site.open_after, site.window_seconds, site.pause_seconds) == (9, 300, 30)
    assert noted("site.set_patience") == [("command", SHOP)] * 2
    with pytest.raises(CommandError, match="is no site"):
        call_command("sites", "set", "shop")
