"""Automations these tests need, loaded by their systems through AUTOMATION_MODULES."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

from automations.library.practice_create_invoice import (
    ACCEPT_COOKIES,
    AMOUNT,
    CREATE,
    CUSTOMER,
    NEW_INVOICE,
    NUMBER,
    PASSWORD,
    REFERENCE,
    SIGN_IN,
    USERNAME,
)
from infra_shared.clock import sleep
from webgraph.flow import Automation, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page

CREATED_FOR = Target(css="#content", called="the confirmation")


class SiteParams(BaseModel):
    """Where the practice site is."""

    base_url: str


class OpenTwoPages(Automation):
    """Opens a page that no fault strikes, then one that a fault can hold open for long."""

    key = "open-two-pages"
    title = "Open two pages"
    Params = SiteParams
    step_timeout = Automation.deadline
    max_attempts = 2

    @stage(effect="read")
    async def open(self, page: Page) -> None:
        """Open both."""
        await page.goto(f"{self.params.base_url}/_truth")
        await page.goto(f"{self.params.base_url}/sign-in")


class BlockForLong(Automation):
    """Looks at a page, then blocks the loop it runs on, as a call that never awaits does."""

    key = "block-for-long"
    title = "Block for long"
    Params = SiteParams

    @stage(effect="read")
    async def block(self, page: Page) -> None:
        """Look, then block."""
        await page.goto(f"{self.params.base_url}/_truth")
        sleep(600)


class TalkOnAndOn(Automation):
    """Looks at a page, then says one numbered line after the other until it is stopped."""

    key = "talk-on-and-on"
    title = "Talk on and on"
    Params = SiteParams
    max_attempts = 2

    @stage(effect="read")
    async def talk(self, page: Page) -> None:
        """Look, then talk."""
        await page.goto(f"{self.params.base_url}/_truth")
        for number in itertools.count():
            self.log.info("still_here", number=number)
            await asyncio.sleep(0.2)


class Code(BaseModel):
    """What a site sent to somebody's phone."""

    code: SecretStr


class HoldAndAsk(Automation):
    """Asks for a code while the browser is held, and looks at another page when it was given."""

    key = "hold-and-ask"
    title = "Hold and ask"
    Params = SiteParams

    @stage(effect="read")
    async def ask(self, page: Page) -> None:
        """Ask."""
        await page.goto(f"{self.params.base_url}/_truth")
        await page.ask("Which code did it send?", schema=Code, timeout=timedelta(minutes=4), hold=True)
        await page.goto(f"{self.params.base_url}/sign-in")


class TypedText(BaseModel):
    """What the shop showed of what was typed."""

    number: str
    shown: str


class TypeSecrets(Automation):
    """Signs in and types a secret everywhere a person can see it: text fields, a page, an address, the result."""

    key = "type-secrets"
    title = "Type secrets"
    Params = SiteParams
    Result = TypedText
    credentials = ("canary",)

    @stage(effect="idempotent")
    async def sign_in(self, page: Page) -> None:
        """Sign in."""
        await page.goto(f"{self.params.base_url}/sign-in")
        await page.click(ACCEPT_COOKIES)
        account = self.credential("canary")
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.click(SIGN_IN)

    @stage(effect="idempotent")
    async def spread(self, page: Page) -> dict[str, Any]:
        """Type the secret into visible fields, have the shop show it, and put it into an address."""
        account = self.credential("canary")
        await page.click(NEW_INVOICE)
        await page.fill(CUSTOMER, account["token"])
        await page.fill(REFERENCE, account["password"])
        await page.fill(AMOUNT, "12.50")
        await page.click(CREATE)
        number = await page.text(NUMBER)
        shown = await page.text(CREATED_FOR)
        search, again = quote(account["token"]), quote_plus(account["password"])
        await page.goto(f"{self.params.base_url}/invoices?search={search}&again={again}")
        return {"number": number, "shown": shown}


class ShowTheSameText(Automation):
    """Types params where `TypeSecrets` types secrets, so that their pictures can be compared."""

    key = "show-the-same-text"
    title = "Show the same text"
    credentials = ("canary",)

    class Params(SiteParams):
        """What to type."""

        customer: str
        reference: str

    @stage(effect="idempotent")
    async def show(self, page: Page) -> None:
        """Sign in and type the params."""
        await page.goto(f"{self.params.base_url}/sign-in")
        await page.click(ACCEPT_COOKIES)
        account = self.credential("canary")
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.click(SIGN_IN)
        await page.click(NEW_INVOICE)
        await page.fill(CUSTOMER, self.params.customer)
        await page.fill(REFERENCE, self.params.reference)


class CrashTheBrowser(Automation):
    """Opens a page, then brings the whole browser down, as no page should be able to."""

    key = "crash-the-browser"
    title = "Crash the browser"
    Params = SiteParams
    max_attempts = 2

    @stage(effect="read")
    async def crash(self, page: Page) -> None:
        """Bring it down."""
        await page.goto(f"{self.params.base_url}/_truth")
        browser = page._surface.page.context.browser
        assert browser is not None
        session = await browser.new_browser_cdp_session()
        await session.send("Browser.crash")
