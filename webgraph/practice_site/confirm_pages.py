"""A page that wants a code sent to somebody's phone: what no machine can know."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from webgraph.practice_site.layouts import field_value
from webgraph.practice_site.site import render, signed_in, site_of

if TYPE_CHECKING:
    from starlette.requests import Request


@signed_in
async def show_confirm(request: Request) -> Response:
    """Ask for the code; one is sent at the first look of a visit, and stays good until it was used."""
    site = site_of(request)
    site.codes.setdefault(_visit(request), f"{secrets.randbelow(900_000) + 100_000}")
    return render(request, "confirm.html", {"message": "", "is_confirmed": False})


@signed_in
async def confirm(request: Request) -> Response:
    """Take the code once; 422 where it is another one."""
    site = site_of(request)
    async with request.form() as form:
        typed = field_value(form, "code")
    sent = site.codes.get(_visit(request))
    if sent is None:
        return RedirectResponse("/tools/confirm", status_code=303)
    if not hmac.compare_digest(typed.encode(), sent.encode()):
        context = {"message": "This is not the code we sent.", "is_confirmed": False}
        return render(request, "confirm.html", context, status=422)
    del site.codes[_visit(request)]
    site.confirmations += 1
    return render(request, "confirm.html", {"message": "", "is_confirmed": True})


def _visit(request: Request) -> str:
    return str(request.session["visit"])
