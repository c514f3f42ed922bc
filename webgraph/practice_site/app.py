"""The application: routes and what wraps them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infra_shared.clock import utc_now
from webgraph.practice_site import (
    account_pages,
    confirm_pages,
    control,
    create_invoice,
    dashboard,
    invoice_pages,
    staff_pages,
    tool_pages,
)
from webgraph.practice_site.accounts import DEMO_PASSWORD, Accounts
from webgraph.practice_site.layouts import Layout
from webgraph.practice_site.middleware import FaultMiddleware, RequestNumberMiddleware
from webgraph.practice_site.site import Site, render
from webgraph.practice_site.staff import Staff

if TYPE_CHECKING:
    from starlette.requests import Request

DEFAULT_SEED = 7
_STATIC = Path(__file__).parent / "static"


def create_app(*, seed: int = DEFAULT_SEED, password: str = DEMO_PASSWORD) -> Starlette:
    """A practice site of its own: two applications share nothing, not even sessions."""
    site = Site(seed=seed, accounts=Accounts(password=password), staff=Staff(password=password, now=utc_now))
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(RequestNumberMiddleware, site=site),
            Middleware(FaultMiddleware, site=site),
            Middleware(
                SessionMiddleware,
                secret_key=secrets.token_urlsafe(32),
                session_cookie="practice_session",
                same_site="lax",
            ),
        ],
        exception_handlers={HTTPException: _show_error},
    )
    app.state.site = site
    return app


def _routes() -> list[Route | Mount]:
    return [
        Route("/", _start),
        Route("/sign-in", account_pages.show_sign_in),
        Route("/sign-in", account_pages.sign_in, methods=["POST"]),
        Route("/sign-out", account_pages.sign_out, methods=["POST"]),
        Route("/dashboard", dashboard.show_dashboard),
        Route("/invoices", invoice_pages.list_invoices),
        Route("/invoices.csv", invoice_pages.download_csv),
        Route("/invoices/new", create_invoice.show_form),
        Route("/invoices/new", create_invoice.create_invoice, methods=["POST"]),
        Route("/invoices/{number}", invoice_pages.show_invoice),
        Route("/invoices/{number}/pdf", invoice_pages.download_pdf),
        Route("/tools", tool_pages.show_tools),
        Route("/tools/converter", tool_pages.convert_currency),
        Route("/tools/label", tool_pages.show_label),
        Route("/tools/payouts", tool_pages.show_payouts),
        Route("/tools/payouts/approve", tool_pages.approve_payout, methods=["POST"]),
        Route("/tools/confirm", confirm_pages.show_confirm),
        Route("/tools/confirm", confirm_pages.confirm, methods=["POST"]),
        Route("/tools/slow-report", tool_pages.slow_report),
        Route("/staff", staff_pages.show_statements),
        Route("/staff/sign-in", staff_pages.show_sign_in),
        Route("/staff/sign-in", staff_pages.sign_in, methods=["POST"]),
        Route("/_truth", control.show_truth),
        Route("/_control/faults", control.switch_faults, methods=["POST"]),
        Route("/_control/staff", control.change_staff, methods=["POST"]),
        Route("/_control/reset", control.reset, methods=["POST"]),
        Route("/favicon.ico", _no_icon),
        Route("/static/site.css", _style_sheet),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]


async def _start(_request: Request) -> Response:
    return RedirectResponse("/dashboard", status_code=303)


async def _style_sheet(request: Request) -> Response:
    """The style sheet in the names of the layout the page asked for."""
    layout = Layout(rotated=request.query_params.get("layout") == "rotated")
    sheet = (_STATIC / "site.css").read_text(encoding="utf-8")
    return Response(layout.css(sheet), media_type="text/css")


async def _no_icon(_request: Request) -> Response:
    return Response(status_code=204)


async def _show_error(request: Request, error: Exception) -> Response:
    """A page of the site's own for what is not there."""
    if not isinstance(error, HTTPException):
        raise error
    context = {"status": error.status_code, "detail": error.detail}
    return render(request, "error.html", context, status=error.status_code)
