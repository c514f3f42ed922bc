"""Do something that counts once: fill a form, send it, and report what the shop made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, HttpUrl

from webgraph.errors import AuthError, BadParamsError
from webgraph.flow import Automation, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page

ACCEPT_COOKIES = Target(css=("#cookies-all", ".cookie-actions .cookie-all"), role="button", name="Accept all")
USERNAME = Target(css=("#username", "input[name=username]"), role="textbox", name="E-mail address")
PASSWORD = Target(css=("#password", "input[name=password]"), label="Password", called="Password")
SIGN_IN = Target(css=("#sign-in", "#sign-in-form button"), role="button", name="Sign in")
SIGN_IN_REFUSED = Target(css="#sign-in-message", role="alert", called="refused sign-in")
SIGNED_IN_OR_REFUSED = Target(
    css="#sign-out, #sign-in-message", called="the dashboard, or why the sign-in was refused"
)
NEW_INVOICE = Target(css="#new-invoice", role="link", name="New invoice")
CUSTOMER = Target(css=("#customer", "input[name=customer]"), role="combobox", name="Customer")
AMOUNT = Target(css=("#amount", "input[name=amount]"), role="textbox", name="Amount")
CURRENCY = Target(css=("#currency", "select[name=currency]"), role="combobox", name="Currency")
REFERENCE = Target(css=("#reference", "input[name=reference]"), role="textbox", name="Reference")
CREATE = Target(
    css=("#create-invoice", "#invoice-form .button-primary"), role="button", name="Create invoice"
)
CREATED_OR_REFUSED = Target(
    css="#created-number, #form-message", called="the confirmation, or why it was refused"
)
REFUSED = Target(css="#form-message", role="alert", called="refused form")
NUMBER = Target(css="#created-number", test_id="created-number", called="number of the new invoice")


class CreateInvoiceParams(BaseModel):
    """The invoice to create."""

    customer: str = Field(
        title="Customer", description="Who the invoice is for.", min_length=1, max_length=80
    )
    amount_cents: int = Field(
        title="Amount in cents",
        description="125000 is 1,250.00.",
        gt=0,
        lt=100_000_000_000,
    )
    currency: Literal["EUR", "USD", "GBP"] = Field(
        default="EUR", title="Currency", description="What the amount is in."
    )
    reference: str = Field(
        default="",
        title="Reference",
        description="The customer's own number, such as a purchase order. One invoice is created for each.",
        max_length=80,
    )
    base_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8001"),
        title="Address of the shop",
        description="Where the practice site runs.",
    )


class CreatedInvoice(BaseModel):
    """What the shop made of it."""

    number: str = Field(title="Number", description="As the shop gave it.", pattern=r"^INV-\d+$")


class PracticeCreateInvoice(Automation):
    """Creates one invoice in the practice shop and returns its number."""

    key = "practice-create-invoice"
    title = "Practice shop: create an invoice"
    Params = CreateInvoiceParams
    Result = CreatedInvoice
    credentials = ("practice-shop",)

    @stage(effect="idempotent", title="Sign in")
    async def sign_in(self, page: Page) -> None:
        """Sign in; a refusal is an `auth` failure with the shop's own words."""
        await page.goto(f"{str(self.params.base_url).rstrip('/')}/sign-in")
        if await page.is_visible(ACCEPT_COOKIES):
            await page.click(ACCEPT_COOKIES)
        account = self.credential("practice-shop")
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.click(SIGN_IN)
        await page.wait_for(SIGNED_IN_OR_REFUSED)
        if await page.is_visible(SIGN_IN_REFUSED):
            raise AuthError(await page.text(SIGN_IN_REFUSED))

    @stage(effect="read", title="Fill in the form")
    async def fill_form(self, page: Page) -> None:
        """Fill in everything and send nothing: until here, a retry may start over."""
        await page.click(NEW_INVOICE)
        await page.fill(CUSTOMER, self.params.customer)
        await page.fill(AMOUNT, self._amount())
        await page.select(CURRENCY, self.params.currency)
        await page.fill(REFERENCE, self.params.reference)

    # The commit stage holds the one act that counts and nothing else that acts: if it breaks off before the click,
    # nothing happened, and if it breaks off after, a person is asked instead of creating a second invoice.
    # A reference names one order of the customer: whoever asks for the same again gets the invoice that is there.
    @stage(effect="commit", title="Create the invoice", effect_key="order")
    async def create(self, page: Page) -> dict[str, Any]:
        """Send the form that is still filled in, and read the number from the confirmation."""
        await page.expect(AMOUNT, text=self._amount())
        await page.click(CREATE)
        await page.wait_for(CREATED_OR_REFUSED)
        if await page.is_visible(REFUSED):
            raise BadParamsError(await page.text(REFUSED))
        return {"number": await page.text(NUMBER)}

    def order(self) -> str:
        """What is invoiced once: shop, customer and reference; nothing where there is no reference."""
        if not self.params.reference:
            return ""
        return f"{self.params.base_url} {self.params.customer} {self.params.reference}"

    def _amount(self) -> str:
        units, cents = divmod(self.params.amount_cents, 100)
        return f"{units}.{cents:02d}"
