"""One running site: its books, its accounts, its faults, and how a handler reaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from webgraph.practice_site.faults import (
    EXPIRED_SESSION,
    NORMAL_LAYOUT,
    ROTATED_LAYOUT,
    Fault,
    FaultBoard,
)
from webgraph.practice_site.invoices import Books
from webgraph.practice_site.layouts import Layout
from webgraph.practice_site.money import format_cents

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from webgraph.practice_site.accounts import Accounts
    from webgraph.practice_site.staff import Staff

    Handler = Callable[[Request], Awaitable[Response]]

COOKIE_CHOICE = "cookie_choice"


@dataclass(slots=True)
class Site:
    """Everything a running site remembers."""

    seed: int
    accounts: Accounts
    staff: Staff
    books: Books = field(init=False)
    faults: FaultBoard = field(init=False)
    requests: int = 0
    approvals: int = 0
    confirmations: int = 0
    codes: dict[str, str] = field(default_factory=dict)
    """The code that was sent to each visit and not used yet."""

    def __post_init__(self) -> None:
        self.books = Books(self.seed)
        self.faults = FaultBoard(self.seed)

    def reset(self) -> None:
        """As freshly started: seeded books, nobody signed in, no faults, counts at zero."""
        self.books.reset()
        self.accounts.reset()
        self.staff.reset()
        self.faults.switch((), requests=None)
        self.requests = self.approvals = self.confirmations = 0
        self.codes.clear()


def site_of(request: Request) -> Site:
    """The site this request arrived at."""
    site: Site = request.app.state.site
    return site


def faults_of(request: Request) -> dict[str, Fault]:
    """The faults that strike this request, by name."""
    faults: dict[str, Fault] = request.state.faults
    return faults


def layout_of(request: Request) -> Layout:
    """The layout this visitor sees; one asked for in the URL sticks to the visit, as a release would."""
    faults = faults_of(request)
    if "fault" in request.query_params:
        if NORMAL_LAYOUT in faults:
            request.session.pop("rotated", None)
        elif ROTATED_LAYOUT in faults:
            request.session["rotated"] = True
    return Layout(rotated=ROTATED_LAYOUT in faults or bool(request.session.get("rotated")))


def signed_in(handler: Handler) -> Handler:
    """Let only signed-in visitors reach a page; all others are sent to the sign-in page and back."""

    @wraps(handler)
    async def guarded(request: Request) -> Response:
        accounts = site_of(request).accounts
        visit = request.session.get("visit", "")
        if EXPIRED_SESSION in faults_of(request):
            accounts.end(visit)
        if accounts.is_open(visit):
            return await handler(request)
        layout_of(request)  # a layout asked for on the way in must outlive the redirect
        ended = "&ended=1" if visit else ""
        request.session.pop("visit", None)
        return RedirectResponse(f"/sign-in?next={quote(request.url.path)}{ended}", status_code=303)

    return guarded


_templates = Environment(
    loader=PackageLoader("webgraph.practice_site"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["money"] = format_cents


def render(
    request: Request, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """A page of the site in the visitor's layout."""
    layout = layout_of(request)
    site = site_of(request)
    page = _templates.get_template(template).render(
        {
            "layout": layout,
            "path": request.url.path,
            "account": site.accounts.username,
            "is_signed_in": site.accounts.is_open(request.session.get("visit", "")),
            "asks_for_cookies": COOKIE_CHOICE not in request.cookies,
            **(context or {}),
        }
    )
    # no-store: the back button and a second attempt must see the site as it is now.
    return HTMLResponse(layout.html(page), status, headers={"Cache-Control": "no-store"})
