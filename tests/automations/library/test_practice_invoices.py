"""Reading the practice shop's invoices, on the layout it was written for and on another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from automations.library.practice_invoices import Invoice, InvoicesResult, PracticeInvoices
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from tests.automations.library.conftest import Run
    from tests.support.site import PracticeSite

ROW = {
    "number": "INV-1",
    "customer": "Ada",
    "issued_on": "14 Nov 2026",
    "due_on": "14 Dec 2026",
    "amount_cents": "1,152.45",
    "currency": "EUR",
    "status": "open",
}


@pytest.mark.browser
def test_every_invoice_of_the_shop_is_read_to_the_cent(run: Run, practice_site: PracticeSite):
    result, memory = run(PracticeInvoices, base_url=practice_site.url)

    assert result.failure is None
    assert result.result is not None
    facts = set(Invoice.model_fields)
    assert result.result["invoices"] == [
        {name: value for name, value in item.items() if name in facts}
        for item in practice_site.truth()["invoices"]
    ]
    assert result.result["file_name"] == "invoices.csv"
    assert len(memory.intents) >= 8
    assert [item.name for item in memory.files if item.kind is ArtifactKind.DOWNLOAD]


@pytest.mark.browser
def test_on_the_rotated_layout_it_says_what_it_did_not_find(run: Run, practice_site: PracticeSite):
    result, memory = run(PracticeInvoices, base_url=practice_site.url, layout="rotated")

    assert result.failure is not None
    # What has a role and a name is still found and filled; what only a selector described is not.
    assert result.failure.kind is FailureKind.WRONG_PAGE
    assert "the dashboard, or why the sign-in was refused" in result.failure.message
    assert ArtifactKind.FAILURE_PICTURE in {item.kind for item in memory.files}


@pytest.mark.browser
def test_a_refused_password_is_an_auth_failure_in_the_shops_words(run: Run, practice_site: PracticeSite):
    wrong = {"practice-shop": {"username": "demo@practice.example", "password": "not-this-one"}}

    result, _ = run(PracticeInvoices, wrong, base_url=practice_site.url)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.AUTH
    assert result.failure.message == "Wrong e-mail address or password."


def test_a_row_is_read_as_day_cents_and_currency():
    invoice = Invoice.model_validate(ROW)

    assert invoice.issued_on.isoformat() == "2026-11-14"
    assert invoice.amount_cents == 115245


def test_a_result_survives_being_stored_as_json():
    stored = Invoice.model_validate(ROW).model_dump(mode="json")

    assert Invoice.model_validate(stored).model_dump(mode="json") == stored


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": "1.152,45"},
        {"amount_cents": ""},
        {"issued_on": "yesterday evening"},
        {"status": "unheard of"},
        {"number": ""},
    ],
)
def test_a_row_that_does_not_fit_is_refused(change: dict[str, Any]):
    with pytest.raises(ValidationError):
        Invoice.model_validate(ROW | change)


@pytest.mark.parametrize("numbers", [["INV-1"], ["INV-1", "INV-1"], ["INV-1", "INV-2", "INV-3"]])
def test_a_missed_or_repeated_row_is_no_success(numbers: list[str]):
    invoices = [ROW | {"number": number} for number in numbers]

    with pytest.raises(ValidationError, match="the shop has 2"):
        InvoicesResult.model_validate(
            {"invoices": invoices, "total": 2, "file_name": "invoices.csv", "file_bytes": 1}
        )
