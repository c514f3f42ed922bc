"""Signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from webgraph.practice_site.layouts import field_value
from webgraph.practice_site.site import render, site_of

if TYPE_CHECKING:
    from starlette.requests import Request


async def show_sign_in(request: Request) -> Response:
    """The sign-in form; it says so when a session has ended."""
    message = "Your session has ended. Please sign in again." if _has_ended(request) else ""
    return render(request, "sign_in.html", {"next": _next_path(request), "message": message})


async def sign_in(request: Request) -> Response:
    """Open a visit and go on where the visitor wanted to go; 401 where name and password do not fit."""
    async with request.form() as form:
        username = field_value(form, "username")
        password = field_value(form, "password")
    visit = site_of(request).accounts.sign_in(username, password)
    if visit is None:
        message = "Wrong e-mail address or password."
        context = {"next": _next_path(request), "message": message}
        return render(request, "sign_in.html", context, status=401)
    request.session["visit"] = visit
    return RedirectResponse(_next_path(request), status_code=303)


async def sign_out(request: Request) -> Response:
    """End the visit on the server, not only in the cookie."""
    site_of(request).accounts.end(request.session.pop("visit", ""))
    return RedirectResponse("/sign-in", status_code=303)


def _has_ended(request: Request) -> bool:
    return request.query_params.get("ended") == "1"


def _next_path(request: Request) -> str:
    """Where to go after signing in: a path of this site, never another one."""
    wanted = request.query_params.get("next", "")
    is_own_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_own_path else "/dashboard"
