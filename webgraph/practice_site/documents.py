"""The files the site gives away: CSV and PDF, the same bytes for the same invoices."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from fpdf import FPDF

from webgraph.practice_site.money import format_cents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webgraph.practice_site.invoices import Invoice

_CSV_COLUMNS = ("number", "customer", "issued_on", "due_on", "amount", "currency", "status")


def invoices_csv(invoices: Iterable[Invoice]) -> bytes:
    """The invoices as RFC 4180 CSV in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_CSV_COLUMNS)
    for item in invoices:
        amount = format_cents(item.amount_cents).replace(",", "")
        dates = (item.issued_on.isoformat(), item.due_on.isoformat())
        writer.writerow((item.number, item.customer, *dates, amount, item.currency, item.status))
    return text.getvalue().encode()


def invoice_pdf(invoice: Invoice) -> bytes:
    """One invoice as an A4 page."""
    pdf = FPDF()
    # A fixed date of creation, so that the same invoice is the same bytes.
    pdf.set_creation_date(datetime.combine(invoice.issued_on, time(9), tzinfo=UTC))
    pdf.set_title(invoice.number)
    pdf.add_page()
    _head(pdf, invoice)
    _lines(pdf, invoice)
    return bytes(pdf.output())


def _head(pdf: FPDF, invoice: Invoice) -> None:
    pdf.set_font("Helvetica", "B", 20)
    pdf.cell(0, 12, f"Invoice {invoice.number}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=11)
    facts = (
        f"Customer: {_latin(invoice.customer)}",
        f"Issued: {invoice.issued_on.isoformat()}    Due: {invoice.due_on.isoformat()}",
        f"Reference: {_latin(invoice.reference) or '-'}    Status: {invoice.status}",
    )
    for fact in facts:
        pdf.cell(0, 7, fact, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)


def _lines(pdf: FPDF, invoice: Invoice) -> None:
    with pdf.table(col_widths=(50, 14, 18, 18), text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT")) as table:
        table.row(("Description", "Quantity", "Price", "Total"))
        for line in invoice.lines:
            table.row(
                (
                    _latin(line.description),
                    str(line.quantity),
                    format_cents(line.unit_price_cents),
                    format_cents(line.total_cents),
                )
            )
        table.row(("Amount due", "", invoice.currency, format_cents(invoice.amount_cents)))


def _latin(text: str) -> str:
    """Text the PDF's built-in fonts can draw; what they cannot becomes "?"."""
    return text.encode("latin-1", "replace").decode("latin-1")
