"""How the console writes lengths, people and buttons that end something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template.loader import render_to_string

from infra_shared.templatetags.console import ago, milliseconds, person

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"), [(0.4, "0 ms"), (999, "999 ms"), (15_030, "15 s"), (None, "\N{EN DASH}")]
)
def test_milliseconds_become_seconds_from_a_second_on(value: float | None, words: str) -> None:
    assert milliseconds(value) == words


@pytest.mark.parametrize(
    ("actor", "words"), [("operator:anna", "anna"), ("operator:operator", "operator"), ("key:7", "key:7")]
)
def test_an_operator_is_named_as_colleagues_do(actor: str, words: str) -> None:
    assert person(actor) == words


@pytest.mark.parametrize(
    ("url", "tone"),
    [
        ("/admin/runs/limit/1/set/", "c-button-main"),
        ("/admin/automations/credential/1/remove/", "c-button-ends"),
        ("/admin/runs/run/bulk/cancel/?state__in=running", "c-button-ends"),
    ],
)
def test_the_button_that_stands_out_is_never_one_that_ends_something(url: str, tone: str) -> None:
    shown = render_to_string("review/parts/tools.html", {"tools": [("Do it", url), ("Else", "/else/")]})

    assert f'class="c-button {tone}" href="{url}"' in shown
    assert 'class="c-button" href="/else/"' in shown


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(minutes=32, seconds=10), "32 min ago"),
        (timedelta(minutes=5, seconds=10), "5 min 10 s ago"),
        (timedelta(days=-17, hours=-3), "in 17 d"),
        (timedelta(seconds=2.4), "2.4 s ago"),
    ],
)
def test_how_long_ago_is_said_without_the_part_nobody_reads(passed: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert ago(NOW - passed) == words
