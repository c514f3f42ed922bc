"""The shop's books: 200 invoices made from a seed, and those that visitors add."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

BOOKS_DATE = date(2026, 11, 16)
"""The site's calendar stands still, so that pictures and tests repeat."""
SEEDED_INVOICES = 200
CURRENCIES = ("EUR", "USD", "GBP")
STATUSES = ("open", "overdue", "paid", "void")

_FIRST_ISSUE = date(2025, 12, 1)
_SHOPS = (
    "Alder & Finch Interiors", "Bluebird Bakery", "Castellan Books", "Dovecote Ceramics",
    "Elm Street Cycles", "Fennel Kitchen", "Galloway Outfitters", "Hartley Lighting",
    "Ivory Lane Flowers", "Juniper Tea House", "Kestrel Audio", "Larkspur Linen",
    "Marlowe Stationers", "Nettle & Thyme", "Orchard Toys", "Pemberton Glass",
    "Quarry Coffee", "Rosewood Pianos", "Saltmarsh Surf", "Tamarind Spices",
    "Umber Paints", "Velvet Hound", "Willow Garden Centre", "Yarrow Apothecary",
)  # fmt: skip
_GOODS = (
    "Oak shelving, 2 m", "Gift boxes, pack of 50", "Linen napkins", "Display stand",
    "Paper bags, pack of 500", "Brass hooks", "Wool blankets", "Glass jars, 0.5 l",
    "Soy candles", "Delivery by courier", "Printed labels, roll", "Ceramic mugs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One position of an invoice."""

    description: str
    quantity: int
    unit_price_cents: int

    @property
    def total_cents(self) -> int:
        """What this position adds to the invoice."""
        return self.quantity * self.unit_price_cents


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice; its amount is the sum of its lines."""

    number: str
    customer: str
    issued_on: date
    due_on: date
    amount_cents: int
    currency: str
    status: str
    reference: str = ""
    lines: tuple[Line, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The invoice with dates as ISO text, as `/_truth` tells it."""
        return asdict(self) | {
            "issued_on": self.issued_on.isoformat(),
            "due_on": self.due_on.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """What the create form asks for, already validated."""

    customer: str
    amount_cents: int
    currency: str
    due_on: date
    reference: str = ""
    attachment_name: str = ""
    attachment_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Creation:
    """An invoice a visitor added, with when and by which request: what a test counts."""

    invoice: Invoice
    created_at: datetime
    request_id: str
    attachment_name: str
    attachment_bytes: int

    def as_json(self) -> dict[str, Any]:
        """The invoice's facts and those of its creation, side by side."""
        return self.invoice.as_json() | {
            "created_at": self.created_at.isoformat(),
            "request_id": self.request_id,
            "attachment_name": self.attachment_name,
            "attachment_bytes": self.attachment_bytes,
        }


@dataclass(slots=True)
class Books:
    """All invoices of one running site, newest first."""

    seed: int
    invoices: list[Invoice] = field(default_factory=list)
    created: list[Creation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the seeded invoices."""
        self.invoices = seeded_invoices(self.seed)[::-1]
        self.created = []

    def find(self, number: str) -> Invoice | None:
        """The invoice with this number, or None."""
        return next((item for item in self.invoices if item.number == number), None)

    def matching(self, *, status: str = "", text: str = "") -> list[Invoice]:
        """Invoices of a status (any, when empty) whose number, customer or reference contains a text."""
        needle = text.casefold()
        return [
            item
            for item in self.invoices
            if status in ("", item.status)
            and needle in f"{item.number} {item.customer} {item.reference}".casefold()
        ]

    def create(self, draft: Draft, *, now: datetime, request_id: str) -> Invoice:
        """Add an invoice under the next number. Asked twice, it adds two, as a real shop does."""
        invoice = Invoice(
            number=_number(len(self.invoices) + 1),
            customer=draft.customer,
            issued_on=BOOKS_DATE,
            due_on=draft.due_on,
            amount_cents=draft.amount_cents,
            currency=draft.currency,
            status="open",
            reference=draft.reference,
            lines=(Line("Goods and services", 1, draft.amount_cents),),
        )
        self.invoices.insert(0, invoice)
        self.created.append(Creation(invoice, now, request_id, draft.attachment_name, draft.attachment_bytes))
        return invoice


def seeded_invoices(seed: int) -> list[Invoice]:
    """The 200 invoices of a seed, oldest first; the same seed gives the same invoices for ever."""
    chance = random.Random(seed)  # noqa: S311 - repeatable sample data, not a secret
    span_days = (BOOKS_DATE - _FIRST_ISSUE).days
    return [
        _seeded_invoice(
            position,
            _FIRST_ISSUE + timedelta(days=position * span_days // (SEEDED_INVOICES + 1)),
            chance,
        )
        for position in range(1, SEEDED_INVOICES + 1)
    ]


def _seeded_invoice(position: int, issued_on: date, chance: random.Random) -> Invoice:
    lines = tuple(
        Line(goods, chance.randint(1, 24), chance.randrange(250, 24_900, 5))
        for goods in chance.sample(_GOODS, chance.randint(1, 4))
    )
    due_on = issued_on + timedelta(days=chance.choice((14, 30, 30, 45)))
    return Invoice(
        number=_number(position),
        customer=chance.choice(_SHOPS),
        issued_on=issued_on,
        due_on=due_on,
        amount_cents=sum(line.total_cents for line in lines),
        currency=chance.choices(CURRENCIES, weights=(7, 2, 1))[0],
        status=_status(due_on, chance),
        reference=f"PO-{chance.randint(10_000, 99_999)}",
        lines=lines,
    )


def _status(due_on: date, chance: random.Random) -> str:
    if chance.random() < 0.03:
        return "void"
    if due_on >= BOOKS_DATE:
        return chance.choices(("open", "paid"), weights=(3, 1))[0]
    return chance.choices(("paid", "overdue"), weights=(9, 1))[0]


def _number(position: int) -> str:
    return f"INV-{20_000 + position}"
