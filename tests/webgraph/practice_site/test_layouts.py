"""The rotated layout renames everything an automation may hold on to, and changes nothing a person sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from webgraph.practice_site.layouts import Layout, rotated_name

if TYPE_CHECKING:
    import httpx

PAGES = ["/dashboard", "/invoices", "/invoices/INV-20007", "/invoices/new", "/tools"]
NAMES = re.compile(r'\s(?:id|name|class|data-testid)="([^"]*)"')


def names_in(page: str) -> set[str]:
    without_meta = re.sub(r"<meta[^>]*>", "", page)
    return {name for value in NAMES.findall(without_meta) for name in value.split()}


def words_in(page: str) -> list[str]:
    return sorted(re.sub(r"<[^>]*>", " ", page).split())


@pytest.mark.parametrize("path", PAGES)
def test_no_id_class_or_field_name_survives_and_every_word_does(member: httpx.Client, path: str):
    normal = member.get(path).text
    rotated = member.get(path, headers={"X-Practice-Fault": "rotated_layout"}).text

    assert names_in(normal)
    assert names_in(normal).isdisjoint(names_in(rotated))
    assert words_in(normal) == words_in(rotated)


def test_labels_still_belong_to_their_fields(member: httpx.Client):
    page = member.get("/invoices/new", headers={"X-Practice-Fault": "rotated_layout"}).text

    labelled = set(re.findall(r'<label for="([^"]*)"', page))
    assert len(labelled) == 6
    assert labelled <= names_in(page)


def test_columns_come_in_another_order(member: httpx.Client):
    def columns(fault: str) -> list[str]:
        page = member.get("/invoices", headers={"X-Practice-Fault": fault}).text
        return re.findall(r"<th[^>]*>(\w+)</th>", page)

    assert columns("rotated_layout") == columns("")[::-1] != []


def test_a_layout_asked_for_in_the_address_sticks_to_the_visit(member: httpx.Client):
    member.get("/dashboard?fault=rotated_layout")
    assert 'id="download-csv"' not in member.get("/invoices").text

    member.get("/dashboard?fault=normal_layout")
    assert 'id="download-csv"' in member.get("/invoices").text


def test_the_rotated_form_works_under_its_rotated_names(member: httpx.Client):
    form = {"customer": "Ada", "amount": "12", "currency": "EUR", "due_on": "2026-12-01"}

    member.post("/invoices/new", data={rotated_name(name): value for name, value in form.items()})

    (created,) = member.get("/_truth").json()["created"]
    assert (created["customer"], created["amount_cents"]) == ("Ada", 1200)


def test_the_style_sheet_follows_the_names_and_leaves_values_alone(member: httpx.Client):
    normal = member.get("/static/site.css?layout=normal").text
    rotated = member.get("/static/site.css?layout=rotated").text

    assert f".{rotated_name('sidebar')} {{" in rotated
    assert ".sidebar" not in rotated
    declarations = re.compile(r"\{([^{}]*)\}")
    assert declarations.findall(normal) == declarations.findall(rotated)


def test_text_that_looks_like_markup_is_not_renamed():
    escaped = '<td id="a">x id=&#34;a&#34; class="b"</td>'

    assert Layout(rotated=True).html(escaped) == (
        f'<td id="{rotated_name("a")}">x id=&#34;a&#34; class="b"</td>'
    )
