"""The dashboard: what is owed, how the year went, what came last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webgraph.practice_site.invoices import BOOKS_DATE
from webgraph.practice_site.site import render, signed_in, site_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from webgraph.practice_site.invoices import Invoice

_CHART_HEIGHT = 160
_BAR_STEP = 80


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its label and a line of context."""

    label: str
    value: str
    note: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart, in the drawing's own units."""

    month: str
    cents: int
    left: int
    top: int
    height: int


@signed_in
async def show_dashboard(request: Request) -> Response:
    """The first page after signing in."""
    invoices = site_of(request).books.invoices
    context = {
        "tiles": tiles(invoices),
        "bars": bars(invoices),
        "recent": invoices[:6],
        "books_date": BOOKS_DATE,
    }
    return render(request, "dashboard.html", context)


def tiles(invoices: Iterable[Invoice]) -> list[Tile]:
    """The four figures at the top, in euros where they are money."""
    euros = [item for item in invoices if item.currency == "EUR"]
    by_status = {
        status: [item for item in euros if item.status == status] for status in ("open", "overdue", "paid")
    }
    totals = {status: sum(item.amount_cents for item in items) for status, items in by_status.items()}
    paid = by_status["paid"]
    average = totals["paid"] // len(paid) if paid else 0
    return [
        Tile("Outstanding", _euros(totals["open"] + totals["overdue"]), "open and overdue"),
        Tile("Overdue", _euros(totals["overdue"]), f"{len(by_status['overdue'])} invoices", "bad"),
        Tile("Paid", _euros(totals["paid"]), f"{len(paid)} invoices", "good"),
        Tile("Average invoice", _euros(average), "paid, in euros"),
    ]


def bars(invoices: Iterable[Invoice]) -> list[Bar]:
    """Euros invoiced in each of the last twelve months, as bars of the chart."""
    totals: dict[tuple[int, int], int] = {}
    names: dict[tuple[int, int], str] = {}
    for item in invoices:
        month = (item.issued_on.year, item.issued_on.month)
        names[month] = f"{item.issued_on:%b}"
        counted = item.amount_cents if item.currency == "EUR" and item.status != "void" else 0
        totals[month] = totals.get(month, 0) + counted
    months = sorted(totals)[-12:]
    highest = max((totals[month] for month in months), default=0) or 1
    heights = [round(_CHART_HEIGHT * totals[month] / highest) for month in months]
    return [
        Bar(names[month], totals[month], position * _BAR_STEP, _CHART_HEIGHT - height, height)
        for position, (month, height) in enumerate(zip(months, heights, strict=True))
    ]


def _euros(cents: int) -> str:
    return f"€{cents // 100:,}"
