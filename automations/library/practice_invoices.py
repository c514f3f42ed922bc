"""Read a whole table: sign in, turn every page, check every row, keep the shop's own file beside it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, HttpUrl, model_validator

from webgraph.conditions import reads
from webgraph.errors import AuthError
from webgraph.flow import Automation, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page

# Each thing on the page, as a person would point at it: selectors for the way it is built today, role and name for
# the day its ids change.
ACCEPT_COOKIES = Target(css=("#cookies-all", ".cookie-actions .cookie-all"), role="button", name="Accept all")
USERNAME = Target(css=("#username", "input[name=username]"), role="textbox", name="E-mail address")
PASSWORD = Target(css=("#password", "input[name=password]"), label="Password", called="Password")
SIGN_IN = Target(css=("#sign-in", "#sign-in-form button"), role="button", name="Sign in")
SIGN_IN_REFUSED = Target(css="#sign-in-message", role="alert", called="refused sign-in")
SIGNED_IN_OR_REFUSED = Target(
    css="#sign-out, #sign-in-message", called="the dashboard, or why the sign-in was refused"
)
INVOICES = Target(css=".main-nav [href='/invoices']", role="link", name="Invoices")
TOTAL = Target(css="#total", test_id="total", called="number of invoices")
TABLE = Target(css=("#invoices", ".card table"), role="table", name="Invoices")
RANGE = Target(css=("#range", ".pager-range"), called="shown rows")
NEXT = Target(css=("#next-page", ".pager-next"), role="link", name="Next")
DOWNLOAD_CSV = Target(css="#download-csv", role="link", name="Download CSV")


def _shop_date(value: Any) -> Any:
    """The day the shop writes as "14 Nov 2026"; anything else is left to the schema to judge."""
    if isinstance(value, str) and " " in value:
        return datetime.strptime(value, "%d %b %Y").date()  # noqa: DTZ007 - a day has no zone
    return value


def _cents(value: Any) -> Any:
    """The cents of "1,152.45"; anything that is not text is left to the schema to judge."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"\d{1,3}(,\d{3})*\.\d\d", value):
        msg = f"{value!r} is not an amount such as 1,152.45"
        raise ValueError(msg)
    return int(value.replace(",", "").replace(".", ""))


ShopDate = Annotated[date, BeforeValidator(_shop_date)]
Cents = Annotated[int, BeforeValidator(_cents)]


class InvoicesParams(BaseModel):
    """Which shop to read."""

    base_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8001"),
        title="Address of the shop",
        description="Where the practice site runs.",
    )
    layout: Literal["normal", "rotated"] = Field(
        default="normal",
        title="Layout",
        description="“rotated” shows the site after a redesign, so that you see how a failure looks.",
    )


class Invoice(BaseModel):
    """One row of the table."""

    number: str = Field(title="Number", pattern=r"^INV-\d+$")
    customer: str = Field(title="Customer", min_length=1)
    issued_on: ShopDate = Field(title="Issued")
    due_on: ShopDate = Field(title="Due")
    amount_cents: Cents = Field(title="Amount in cents", ge=0)
    currency: Literal["EUR", "USD", "GBP"] = Field(title="Currency")
    status: Literal["open", "overdue", "paid", "void"] = Field(title="Status")


class InvoicesState(BaseModel):
    """What is known so far: the rows as the table showed them, and how many the shop says there are."""

    rows: list[dict[str, str]] = []
    total: int = 0


class InvoicesResult(BaseModel):
    """Every invoice of the shop, and the file the shop itself made of them."""

    invoices: list[Invoice]
    total: int = Field(title="Invoices", description="How many the shop said there are.")
    file_name: str = Field(title="File")
    file_bytes: int = Field(title="Size of the file", gt=0)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """A row read twice or missed on the way is not a success."""
        different = len({item.number for item in self.invoices})
        if not different == len(self.invoices) == self.total:
            msg = f"{len(self.invoices)} rows with {different} numbers were read, the shop has {self.total}"
            raise ValueError(msg)
        return self


class PracticeInvoices(Automation):
    """Signs in to the practice shop, reads all pages of its invoices and downloads its CSV file."""

    key = "practice-invoices"
    title = "Practice shop: read all invoices"
    Params = InvoicesParams
    State = InvoicesState
    Result = InvoicesResult
    credentials = ("practice-shop",)

    @stage(effect="idempotent", title="Sign in")
    async def sign_in(self, page: Page) -> None:
        """Sign in; a refusal is an `auth` failure with the shop's own words."""
        switch = "?fault=rotated_layout" if self.params.layout == "rotated" else ""
        await page.goto(f"{str(self.params.base_url).rstrip('/')}/sign-in{switch}")
        if await page.is_visible(ACCEPT_COOKIES):
            await page.click(ACCEPT_COOKIES)
        account = self.credential("practice-shop")
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.click(SIGN_IN)
        await page.wait_for(SIGNED_IN_OR_REFUSED)
        if await page.is_visible(SIGN_IN_REFUSED):
            raise AuthError(await page.text(SIGN_IN_REFUSED))

    @stage(effect="read", title="Read all pages")
    async def read_pages(self, page: Page) -> None:
        """Collect the rows of every page."""
        await page.click(INVOICES, then=reads(RANGE, _starting_at(1)))
        self.state.total = int((await page.text(TOTAL)).split()[0])
        self.state.rows = await page.extract_table(TABLE)
        while await page.is_visible(NEXT):
            # The range stands below the table: once it shows the next rows, the whole table is there.
            await page.click(NEXT, then=reads(RANGE, _starting_at(len(self.state.rows) + 1)))
            self.state.rows += await page.extract_table(TABLE)

    @stage(effect="read", title="Download the CSV file")
    async def download(self, page: Page) -> dict[str, Any]:
        """Keep the shop's own file, and hand everything over; the Result schema checks each row."""
        file = await page.download(DOWNLOAD_CSV)
        return {
            "invoices": [_invoice(row) for row in self.state.rows],
            "total": self.state.total,
            "file_name": file.name,
            "file_bytes": file.size_bytes,
        }


def _starting_at(row: int) -> re.Pattern[str]:
    """What the pager says while a page that begins with this row is shown, such as "26 to 50 of 200"."""
    return re.compile(rf"^{row}\D")


def _invoice(row: dict[str, str]) -> dict[str, str]:
    """A row of the table in the words of the schema; "1,152.45 EUR" becomes amount and currency."""
    amount, _, currency = row.get("Amount", "").rpartition(" ")
    return {
        "number": row.get("Number", ""),
        "customer": row.get("Customer", ""),
        "issued_on": row.get("Issued", ""),
        "due_on": row.get("Due", ""),
        "amount_cents": amount,
        "currency": currency,
        "status": row.get("Status", "").lower(),
    }
