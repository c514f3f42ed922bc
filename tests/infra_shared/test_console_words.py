"""How the console writes lengths, people and buttons that end something."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from infra_shared.templatetags.console import milliseconds, person


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
