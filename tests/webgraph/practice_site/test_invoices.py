"""Books, pages and documents of the practice site."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest

from webgraph.practice_site.invoices import seeded_invoices
from webgraph.practice_site.money import format_cents, parse_cents

if TYPE_CHECKING:
    import httpx

FORM = {
    "customer": "Ada & Sons",
    "amount": "1,250.5",
    "currency": "GBP",
    "due_on": "2026-12-24",
    "reference": "PO-1",
}


def test_a_seed_makes_the_same_invoices_and_another_seed_makes_others():
    assert seeded_invoices(3) == seeded_invoices(3)
    assert seeded_invoices(3) != seeded_invoices(4)


def test_every_seeded_invoice_is_the_sum_of_its_lines():
    invoices = seeded_invoices(7)

    assert len({item.number for item in invoices}) == 200
    assert all(item.amount_cents == sum(line.total_cents for line in item.lines) for item in invoices)


def test_the_eight_pages_show_each_invoice_of_the_truth_once(member: httpx.Client):
    truth = [item["number"] for item in member.get("/_truth").json()["invoices"]]

    pages = [member.get("/invoices", params={"page": page}).text for page in range(1, 9)]

    shown = [number for page in pages for number in re.findall(r">(INV-\d+)</a>", page)]
    assert shown == truth
    assert 'id="next-page"' in pages[6]
    assert 'id="next-page"' not in pages[7]


def test_the_csv_tells_the_truth_to_the_cent(member: httpx.Client):
    truth = member.get("/_truth").json()["invoices"]

    rows = list(csv.DictReader(io.StringIO(member.get("/invoices.csv").text)))

    assert [(row["number"], parse_cents(row["amount"])) for row in rows] == [
        (item["number"], item["amount_cents"]) for item in truth
    ]


def test_the_pdf_of_an_invoice_is_the_same_bytes_each_time(member: httpx.Client):
    first = member.get("/invoices/INV-20007/pdf")
    second = member.get("/invoices/INV-20007/pdf")

    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content
    assert 'filename="INV-20007.pdf"' in first.headers["Content-Disposition"]


def test_a_created_invoice_is_shown_with_its_number_and_kept_with_its_request(member: httpx.Client):
    attachment = {"attachment": ("order.txt", b"12345", "text/plain")}

    answer = member.post("/invoices/new", data=FORM, files=attachment)

    shown = member.get(answer.headers["Location"])
    assert "Invoice <strong" in shown.text
    (created,) = member.get("/_truth").json()["created"]
    assert created["number"] == "INV-20201"
    assert created["customer"] == "Ada & Sons"
    assert created["amount_cents"] == 125050
    assert created["request_id"] == answer.headers["X-Request-Id"]
    assert (created["attachment_name"], created["attachment_bytes"]) == ("order.txt", 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer": " "},
        {"amount": "0"},
        {"amount": "twelve"},
        {"currency": "DOGE"},
        {"due_on": "2026-02-30"},
        {"due_on": "2020-01-01"},
    ],
)
def test_a_form_that_does_not_fit_creates_nothing_and_marks_the_field(
    member: httpx.Client, wrong: dict[str, str]
):
    answer = member.post("/invoices/new", data=FORM | wrong)

    assert answer.status_code == 422
    assert f'id="{next(iter(wrong))}-error"' in answer.text
    assert member.get("/_truth").json()["created"] == []


@pytest.mark.parametrize(
    ("text", "cents"),
    [("1,234.5", 123450), ("7", 700), ("0.05", 5), ("1,23", None), ("-1", None), ("1.234", None)],
)
def test_amounts_are_read_as_cents_or_not_at_all(text: str, cents: int | None):
    assert parse_cents(text) == cents


def test_cents_are_written_as_people_read_them():
    assert [format_cents(cents) for cents in (5, 123456, -70)] == ["0.05", "1,234.56", "-0.70"]
