"""The same job, written in Python and as a document, makes the same steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from automations.library.practice_create_invoice import PracticeCreateInvoice
from automations.library.practice_invoices import PracticeInvoices
from tests.webgraph.documents.conftest import flow_named
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from tests.webgraph.documents.conftest import Run
    from tests.webgraph.memory import Memory

pytestmark = pytest.mark.browser


def made(memory: Memory) -> list[tuple[Any, ...]]:
    """The steps an attempt made: stage, action, words and target."""
    return [(step.stage, step.action, step.description, step.target) for step in memory.intents]


def effects(memory: Memory) -> list[tuple[str, str]]:
    return [(stage.name, stage.effect) for stage in memory.stages]


@pytest.mark.timeout(150)
def test_reading_all_pages_makes_the_same_steps_both_ways(run: Run, practice_site: PracticeSite):
    python, python_memory = run(PracticeInvoices, base_url=practice_site.url)
    document, document_memory = run(flow_named("read-invoices"), base_url=practice_site.url)

    assert (python.failure, document.failure) == (None, None)
    assert made(document_memory) == made(python_memory)
    assert effects(document_memory) == effects(python_memory)
    read = document.result
    assert read is not None
    assert python.result is not None
    assert (read["total"], len(read["invoices"])) == (200, 200)
    assert [row["number"] for row in read["invoices"]] == [row["number"] for row in python.result["invoices"]]
    assert [round(row["amount"] * 100) for row in read["invoices"]] == [
        row["amount_cents"] for row in python.result["invoices"]
    ]
    assert [row["due_on"] for row in read["invoices"]] == [row["due_on"] for row in python.result["invoices"]]


def test_creating_an_invoice_makes_the_same_steps_both_ways(run: Run, practice_site: PracticeSite):
    order: dict[str, Any] = {"base_url": practice_site.url, "customer": "Ada & Sons", "reference": "PO-77"}
    python, python_memory = run(PracticeCreateInvoice, amount_cents=125005, **order)
    document, document_memory = run(flow_named("create-invoice"), amount="1250.05", **order)

    assert made(document_memory) == made(python_memory)
    assert effects(document_memory) == effects(python_memory)
    numbers = [created["number"] for created in practice_site.truth()["created"]]
    assert [python.result, document.result] == [{"number": number} for number in numbers]


def test_a_refused_form_fails_with_the_kind_and_the_words_both_ways(run: Run, practice_site: PracticeSite):
    order: dict[str, Any] = {"base_url": practice_site.url, "customer": " "}
    python, python_memory = run(PracticeCreateInvoice, amount_cents=1, **order)
    document, document_memory = run(flow_named("create-invoice"), amount="0.01", **order)

    assert python.failure is not None
    assert document.failure is not None
    assert (document.failure.kind, document.failure.message) == (
        FailureKind.BAD_PARAMS,
        python.failure.message,
    )
    assert made(document_memory) == made(python_memory)
