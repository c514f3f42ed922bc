"""The pages of the staff's own area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from webgraph.practice_site.layouts import field_value
from webgraph.practice_site.site import render, site_of

if TYPE_CHECKING:
    from starlette.requests import Request

STATEMENTS = (("2026-08", "31,204.10"), ("2026-09", "29,877.45"), ("2026-10", "33,018.00"))


async def show_sign_in(request: Request) -> Response:
    """The form for name, password and code."""
    return render(request, "staff_sign_in.html", {"message": ""})


async def sign_in(request: Request) -> Response:
    """Open a visit; 401 says why there is none."""
    async with request.form() as form:
        given = [field_value(form, name) for name in ("username", "password", "code")]
    visit, refusal = site_of(request).staff.sign_in(*given)
    if refusal:
        return render(request, "staff_sign_in.html", {"message": refusal}, status=401)
    request.session["staff"] = visit
    return RedirectResponse("/staff", status_code=303)


async def show_statements(request: Request) -> Response:
    """The monthly statements, for who is signed in; everybody else is sent to the form."""
    staff = site_of(request).staff
    if not staff.is_open(request.session.get("staff", "")):
        return RedirectResponse("/staff/sign-in", status_code=303)
    return render(request, "staff.html", {"statements": STATEMENTS, "keeps": staff.keeps})
