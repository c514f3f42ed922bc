"""The awkward corners of real sites, one page each: shadow root, iframe, popup, canvas, slowness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from starlette.responses import JSONResponse, RedirectResponse, Response

from webgraph.practice_site.invoices import BOOKS_DATE
from webgraph.practice_site.layouts import field_value
from webgraph.practice_site.money import format_cents, parse_cents
from webgraph.practice_site.site import render, signed_in, site_of

if TYPE_CHECKING:
    from starlette.requests import Request

_EUROS_PER_100 = {"USD": 92, "GBP": 115, "CHF": 104}
_MAX_SLOW_SECONDS = 60.0


@signed_in
async def show_tools(request: Request) -> Response:
    """All tools on one page."""
    return render(request, "tools.html")


@signed_in
async def convert_currency(request: Request) -> Response:
    """The converter that the tools page shows in an iframe."""
    typed = field_value(request.query_params, "amount")
    currency = field_value(request.query_params, "currency") or "USD"
    cents = parse_cents(typed) if currency in _EUROS_PER_100 else None
    answer = ""
    if cents is not None:
        euros = format_cents(cents * _EUROS_PER_100[currency] // 100)
        answer = f"{format_cents(cents)} {currency} = {euros} EUR"
    elif typed:
        answer = "Enter an amount, such as 250.00."
    context = {"answer": answer, "typed": typed, "currency": currency, "rates": _EUROS_PER_100}
    return render(request, "converter.html", context)


@signed_in
async def show_label(request: Request) -> Response:
    """The parcel label, opened in a window of its own."""
    newest = site_of(request).books.invoices[0]
    return render(request, "label.html", {"invoice": newest})


@signed_in
async def show_payouts(request: Request) -> Response:
    """A page whose buttons exist only as painted pixels."""
    return render(request, "payouts.html")


@signed_in
async def approve_payout(request: Request) -> Response:
    """Count one approval; the canvas calls this when its painted buttons were clicked."""
    site = site_of(request)
    site.approvals += 1
    return JSONResponse({"approvals": site.approvals})


@signed_in
async def slow_report(request: Request) -> Response:
    """A page that takes its time: `?seconds=N`, at most 60."""
    try:
        seconds = float(request.query_params.get("seconds", "3"))
    except ValueError:
        return RedirectResponse("/tools/slow-report", status_code=303)
    seconds = max(0.0, min(seconds, _MAX_SLOW_SECONDS))
    await anyio.sleep(seconds)
    context = {"seconds": f"{seconds:g}", "books_date": BOOKS_DATE}
    return render(request, "slow_report.html", context)
