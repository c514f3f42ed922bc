"""What a test may read and switch: the ground truth, the faults, a reset. No sign-in, and never struck by a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from webgraph.practice_site.faults import KNOWN_FAULTS, FaultSpellingError, parse_faults
from webgraph.practice_site.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request


class FaultOrder(BaseModel):
    """The faults to switch on for the whole site; an empty list ends them."""

    model_config = ConfigDict(extra="forbid")

    faults: list[str] = []
    requests: int | None = Field(default=None, ge=1)
    seed: int | None = None


class StaffOrder(BaseModel):
    """What to change about the staff's area: end all visits, or what its pages keep in the browser."""

    model_config = ConfigDict(extra="forbid")

    end_visits: bool = False
    keeps: Literal["nothing", "record", "key", "blob"] | None = None


async def show_truth(request: Request) -> Response:
    """Everything the site knows, so that a test can check what an automation did."""
    site = site_of(request)
    return JSONResponse(
        {
            "seed": site.seed,
            "invoices": [item.as_json() for item in site.books.invoices],
            "created": [item.as_json() for item in site.books.created],
            "approvals": site.approvals,
            "confirmations": site.confirmations,
            "codes": list(site.codes.values()),
            "sign_ins": site.accounts.sign_ins,
            "failed_sign_ins": site.accounts.failed_sign_ins,
            "staff": {
                "sign_ins": site.staff.sign_ins,
                "failed_sign_ins": site.staff.failed_sign_ins,
                "reused_codes": site.staff.reused_codes,
                "is_locked": site.staff.is_locked,
            },
            "requests": site.requests,
            "faults": [str(fault) for fault in site.faults.faults],
        }
    )


async def switch_faults(request: Request) -> Response:
    """Replace the site's faults by those of the JSON body; 422 says what is wrong with it."""
    site = site_of(request)
    try:
        order = FaultOrder.model_validate_json(await request.body())
        faults = parse_faults(",".join(order.faults))
    except (ValidationError, FaultSpellingError) as error:
        return JSONResponse({"error": str(error), "known": KNOWN_FAULTS}, status_code=422)
    site.faults.switch(faults, requests=order.requests, seed=order.seed)
    return JSONResponse({"faults": [str(fault) for fault in faults]})


async def change_staff(request: Request) -> Response:
    """Do what the JSON body orders; 422 says what is wrong with it."""
    staff = site_of(request).staff
    try:
        order = StaffOrder.model_validate_json(await request.body())
    except ValidationError as error:
        return JSONResponse({"error": str(error)}, status_code=422)
    if order.end_visits:
        staff.end_visits()
    staff.keeps = order.keeps or staff.keeps
    return Response(status_code=204)


async def reset(request: Request) -> Response:
    """Put the site back to how it started."""
    site_of(request).reset()
    return Response(status_code=204)
