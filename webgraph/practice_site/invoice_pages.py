"""The invoices: list, detail, downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from webgraph.practice_site.documents import invoice_pdf, invoices_csv
from webgraph.practice_site.invoices import STATUSES
from webgraph.practice_site.layouts import field_value
from webgraph.practice_site.site import render, signed_in, site_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from webgraph.practice_site.invoices import Invoice

PAGE_ROWS = 25
COLUMNS = ("Number", "Customer", "Issued", "Due", "Amount", "Status")


@signed_in
async def list_invoices(request: Request) -> Response:
    """One page of the table, filtered by status and text."""
    status = field_value(request.query_params, "status")
    text = field_value(request.query_params, "q")
    found = site_of(request).books.matching(status=status if status in STATUSES else "", text=text)
    last_page = max(1, -(-len(found) // PAGE_ROWS))
    page = min(_page_number(request), last_page)
    first = (page - 1) * PAGE_ROWS
    context = {
        "columns": COLUMNS,
        "rows": found[first : first + PAGE_ROWS],
        "total": len(found),
        "first": first + 1 if found else 0,
        "page": page,
        "last_page": last_page,
        "pages": _shown_pages(page, last_page),
        "page_query": urlencode({k: v for k, v in (("status", status), ("q", text)) if v}),
        "statuses": STATUSES,
        "status": status,
        "text": text,
    }
    return render(request, "invoices.html", context)


@signed_in
async def show_invoice(request: Request) -> Response:
    """One invoice with its lines; says so when the visitor has just created it."""
    just_created = request.session.pop("created", "") == request.path_params["number"]
    context = {"invoice": _wanted(request), "just_created": just_created}
    return render(request, "invoice.html", context)


@signed_in
async def download_csv(request: Request) -> Response:
    """All invoices as a CSV file."""
    body = invoices_csv(site_of(request).books.invoices)
    return _attachment(body, "invoices.csv", "text/csv; charset=utf-8")


@signed_in
async def download_pdf(request: Request) -> Response:
    """One invoice as a PDF file."""
    invoice = _wanted(request)
    return _attachment(invoice_pdf(invoice), f"{invoice.number}.pdf", "application/pdf")


def _attachment(body: bytes, name: str, content_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=content_type, headers=headers)


def _wanted(request: Request) -> Invoice:
    number = request.path_params["number"]
    invoice = site_of(request).books.find(number)
    if invoice is None:
        raise HTTPException(404, f"There is no invoice {number}.")
    return invoice


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    # Nine digits: more could be a number too long to convert, and no table is that long.
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _shown_pages(page: int, last_page: int) -> list[int | None]:
    """Page numbers for the pager: the ends, the neighbours, None for a gap."""
    near = sorted({1, last_page, *range(max(1, page - 1), min(last_page, page + 1) + 1)})
    shown: list[int | None] = []
    for number in near:
        if shown and number - (shown[-1] or 0) > 1:
            shown.append(None)
        shown.append(number)
    return shown
