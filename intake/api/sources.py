"""Endpoints: sources and their secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from automations.models import Customer
from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.input import Text
from infra_shared.api.pages import Order, Page, PageQuery, page_of
from infra_shared.api.problems import NotFoundError
from infra_shared.scopes import Scope
from intake.api.reach import source_in_reach, sources_in_reach
from intake.schemas import NewSecretOut, RotateIn, SourceChange, SourceIn, SourceOut
from intake.services import sources
from intake.services.source_input import SourceInput, input_of

router = Router(tags=["Sources"])
READ, WRITE = ApiKeyAuth(Scope.SOURCES_READ), ApiKeyAuth(Scope.SOURCES_WRITE)


@router.get("/sources", auth=READ, response=Page[SourceOut], summary="List sources")
def list_sources(request: ApiRequest, page: Query[PageQuery]) -> Page[SourceOut]:
    """The sources of the customers within reach, oldest first."""
    return page_of(sources_in_reach(request), page, Order("sources"), SourceOut.of)


@router.post("/sources", auth=WRITE, response={201: NewSecretOut}, summary="Create a source")
def create_source(request: ApiRequest, response: HttpResponse, body: SourceIn) -> Status[NewSecretOut]:
    """Make a source. Where no secret is sent, one is made and shown this once. The edge is told within a minute."""
    customer = Customer.objects.filter(key=body.customer).first()
    if customer is None or not request.auth.caller.reaches(body.customer):
        raise NotFoundError(f"There is no customer {body.customer!r}.")
    wanted = SourceInput(customer=customer, **_said(body, exclude={"customer", "secret"}))
    given = [body.secret] if body.secret else []
    source, made = sources.create_source(wanted=wanted, actor=actor_of(request), secrets=given)
    response["Location"] = reverse("api-v1:get_source", kwargs={"slug": source.slug})
    return Status(201, NewSecretOut(source=SourceOut.of(source), secret=made or None))


@router.get("/sources/{slug}", auth=READ, response=SourceOut, summary="Get a source")
def get_source(request: ApiRequest, slug: Text) -> SourceOut:
    """One source, with when each of its secrets was last used."""
    return SourceOut.of(source_in_reach(request, slug))


@router.patch("/sources/{slug}", auth=WRITE, response=SourceOut, summary="Change a source")
def change_source(request: ApiRequest, slug: Text, body: SourceChange) -> SourceOut:
    """Change what is sent. The edge is told within a minute."""
    source = source_in_reach(request, slug)
    wanted = replace(input_of(source), **_said(body, exclude_unset=True))
    sources.change_source(source=source, wanted=wanted, actor=actor_of(request))
    return SourceOut.of(source_in_reach(request, slug))


@router.delete("/sources/{slug}", auth=WRITE, response={204: None}, summary="Delete a source")
def delete_source(request: ApiRequest, slug: Text) -> Status[None]:
    """End a source for good: its secrets are erased, its events stay."""
    sources.delete_source(source=source_in_reach(request, slug), actor=actor_of(request))
    return Status(204, None)


@router.post("/sources/{slug}/rotate", auth=WRITE, response=NewSecretOut, summary="Rotate a source's secret")
def rotate_source_secret(request: ApiRequest, slug: Text, body: RotateIn | None = None) -> NewSecretOut:
    """Add a secret; the earlier ones stay valid for the overlap, so that the sender can follow without a lost event."""
    asked = body or RotateIn(secret="", overlap_seconds=int(sources.DEFAULT_OVERLAP.total_seconds()))
    _, made = sources.rotate_secret(
        source=source_in_reach(request, slug),
        actor=actor_of(request),
        secret=asked.secret,
        overlap=timedelta(seconds=asked.overlap_seconds),
    )
    return NewSecretOut(source=SourceOut.of(source_in_reach(request, slug)), secret=made or None)


def _said(body: SourceChange, **options: Any) -> dict[str, Any]:
    """What was sent, choices as their plain values."""
    said = body.model_dump(**options)
    return said | {name: said[name].value for name in ("scheme", "rate") if name in said}
