"""Creating an invoice: once, and with exactly what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from automations.library.practice_create_invoice import CreateInvoiceParams, PracticeCreateInvoice
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from tests.automations.library.conftest import Run
    from tests.support.site import PracticeSite


@pytest.mark.browser
def test_the_invoice_asked_for_is_created_once_and_its_number_returned(run: Run, practice_site: PracticeSite):
    result, memory = run(
        PracticeCreateInvoice,
        base_url=practice_site.url,
        customer="Ada & Sons",
        amount_cents=125005,
        currency="GBP",
        reference="PO-77",
    )

    assert result.failure is None
    (created,) = practice_site.truth()["created"]
    assert result.result == {"number": created["number"]}
    asked = ("Ada & Sons", 125005, "GBP", "PO-77")
    assert tuple(created[name] for name in ("customer", "amount_cents", "currency", "reference")) == asked
    assert [step.action for step in memory.intents if step.stage == "create"].count("click") == 1


def test_nothing_but_the_last_stage_counts():
    effects = [stage.effect for stage in PracticeCreateInvoice.stages()]

    assert effects == [Effect.IDEMPOTENT, Effect.READ, Effect.COMMIT]


@pytest.mark.parametrize("wrong", [{"amount_cents": 0}, {"customer": ""}, {"currency": "DOGE"}])
def test_params_the_shop_would_refuse_are_refused_before_it_is_asked(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        CreateInvoiceParams.model_validate({"customer": "Ada", "amount_cents": 1} | wrong)
