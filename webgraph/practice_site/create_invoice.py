"""The create form: the one place of the site where something happens that counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from infra_shared.clock import utc_now
from webgraph.practice_site.invoices import BOOKS_DATE, CURRENCIES, Draft
from webgraph.practice_site.layouts import field_value, rotated_name
from webgraph.practice_site.money import parse_cents
from webgraph.practice_site.site import render, signed_in, site_of

if TYPE_CHECKING:
    from starlette.requests import Request

FIELDS = ("customer", "amount", "currency", "due_on", "reference")
_MAX_TEXT = 80


@signed_in
async def show_form(request: Request) -> Response:
    """The empty form, with a due date suggested."""
    due_on = (BOOKS_DATE + timedelta(days=30)).isoformat()
    values = dict.fromkeys(FIELDS, "") | {"currency": "EUR", "due_on": due_on}
    return _show(request, values, {})


@signed_in
async def create_invoice(request: Request) -> Response:
    """Store the invoice and show it, or show the form again (422) with what to mend at each field."""
    async with request.form() as form:
        values = {name: field_value(form, name) for name in FIELDS}
        attachment_name, attachment_bytes = await _attachment(form)
    cents = parse_cents(values["amount"])
    due_on = _date(values["due_on"])
    errors = _errors(values, cents, due_on)
    if errors or cents is None or due_on is None:
        return _show(request, values, errors, status=422)
    draft = Draft(
        customer=values["customer"],
        amount_cents=cents,
        currency=values["currency"],
        due_on=due_on,
        reference=values["reference"],
        attachment_name=attachment_name,
        attachment_bytes=attachment_bytes,
    )
    books = site_of(request).books
    invoice = books.create(draft, now=utc_now(), request_id=request.state.request_id)
    request.session["created"] = invoice.number
    return RedirectResponse(f"/invoices/{invoice.number}", status_code=303)


def _show(request: Request, values: dict[str, str], errors: dict[str, str], *, status: int = 200) -> Response:
    customers = sorted({item.customer for item in site_of(request).books.invoices})
    context = {
        "values": values,
        "errors": errors,
        "customers": customers,
        "currencies": CURRENCIES,
    }
    return render(request, "create_invoice.html", context, status=status)


def _errors(values: dict[str, str], cents: int | None, due_on: date | None) -> dict[str, str]:
    """What is wrong with each field, in words for the visitor."""
    checks = {
        "customer": (0 < len(values["customer"]) <= _MAX_TEXT, "Say who the invoice is for."),
        "amount": (bool(cents), "Enter an amount above zero, such as 1,250.00."),
        "currency": (values["currency"] in CURRENCIES, "Choose a currency."),
        "due_on": (
            due_on is not None and due_on >= BOOKS_DATE,
            f"Choose a day from {BOOKS_DATE:%d %b %Y} on.",
        ),
        "reference": (
            len(values["reference"]) <= _MAX_TEXT,
            f"Keep the reference to {_MAX_TEXT} characters.",
        ),
    }
    return {name: words for name, (is_fine, words) in checks.items() if not is_fine}


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _attachment(form: FormData) -> tuple[str, int]:
    """Name and size of the attached file; the site keeps no more of it."""
    upload = form.get("attachment", form.get(rotated_name("attachment")))
    if not isinstance(upload, UploadFile) or not upload.filename:
        return "", 0
    return upload.filename, upload.size or 0
