"""Read what only signed-in staff see, with a session that all runs share: one login, however many runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, HttpUrl

from webgraph.errors import AuthError
from webgraph.flow import Automation, stage
from webgraph.session import Probe, SignedInSession
from webgraph.sites import origin_of
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page

USERNAME = Target(
    css=("#staff-username", "#staff-form [name=username]"), role="textbox", name="E-mail address"
)
PASSWORD = Target(css=("#staff-password", "#staff-form [name=password]"), label="Password", called="Password")
CODE = Target(css=("#staff-code", "#staff-form [name=code]"), role="textbox", name="Code from your app")
SIGN_IN = Target(css=("#staff-sign-in", "#staff-form button"), role="button", name="Sign in")
REFUSED = Target(css="#staff-message", role="alert", called="refused sign-in")
TABLE = Target(css=("#statement-table", "#statements table"), role="table", name="Statements")
TABLE_OR_REFUSED = Target(
    css="#statement-table, #staff-message", called="statements, or why the sign-in was refused"
)


class StatementsParams(BaseModel):
    """Which shop to read."""

    base_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8001"),
        title="Address of the shop",
        description="Where the practice site runs.",
    )


class Statement(BaseModel):
    """One month."""

    month: str = Field(title="Month", pattern=r"^\d{4}-\d\d$")
    total: str = Field(title="Total", min_length=1)


class StatementsResult(BaseModel):
    """Every month the staff area shows."""

    statements: list[Statement] = Field(min_length=1)


class PracticeStatements(Automation):
    """Reads the monthly statements of the practice shop's staff area; signs in only where nobody is."""

    key = "practice-statements"
    title = "Practice shop: read the staff's statements"
    Params = StatementsParams
    Result = StatementsResult
    credentials = ("practice-staff",)
    session = SignedInSession(
        site=lambda params: origin_of(str(params.base_url)),
        credential="practice-staff",
        login="sign_in",
        probe=Probe(url=lambda params: _address(params, "staff"), target=TABLE),
        max_age=timedelta(hours=8),
    )

    @stage(effect="idempotent", title="Sign in")
    async def sign_in(self, page: Page) -> None:
        """Sign in with a code that no run has used; a refusal is an `auth` failure with the shop's own words."""
        account = self.credential("practice-staff")
        await page.goto(_address(self.params, "staff/sign-in"))
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.fill_code(CODE, credential="practice-staff")
        await page.click(SIGN_IN)
        await page.wait_for(TABLE_OR_REFUSED)
        if await page.is_visible(REFUSED):
            raise AuthError(await page.text(REFUSED))

    @stage(effect="read", title="Read the statements")
    async def read(self, page: Page) -> dict[str, Any]:
        """Take the table as it stands there; the Result schema checks each row."""
        rows = await page.extract_table(TABLE)
        return {"statements": [{"month": row.get("Month"), "total": row.get("Total")} for row in rows]}


def _address(params: Any, path: str) -> str:
    return f"{str(params.base_url).rstrip('/')}/{path}"
