"""Endpoints: what a run returned, as JSON, JSON Lines or CSV."""

from __future__ import annotations

import json
from enum import StrEnum
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from ninja import P, QueryEx, Router

from infra_shared.api.auth import ApiKeyAuth, ApiRequest
from infra_shared.scopes import Scope
from runs.api.reach import run_in_reach
from runs.services.result_formats import to_csv, to_json_lines
from runs.services.results import result_of

router = Router(tags=["Runs"])


class ResultFormat(StrEnum):
    """How a result is written."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


_TYPES = {
    ResultFormat.JSON: "application/json",
    ResultFormat.JSONL: "application/x-ndjson",
    ResultFormat.CSV: "text/csv; charset=utf-8",
}
_ACCEPTED = {
    "application/json": ResultFormat.JSON,
    "application/x-ndjson": ResultFormat.JSONL,
    "application/jsonl": ResultFormat.JSONL,
    "text/csv": ResultFormat.CSV,
}
_DOCUMENTED = {
    200: {
        "description": "The result.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@router.get(
    "/runs/{run_id}/result",
    auth=ApiKeyAuth(Scope.RUNS_READ),
    summary="Get a result",
    openapi_extra={"responses": _DOCUMENTED},
)
def get_result(
    request: ApiRequest,
    run_id: UUID,
    chosen: QueryEx[
        ResultFormat | None,
        P(alias="format", description="Without it the `Accept` header decides; without both: JSON."),
    ] = None,
) -> HttpResponse:
    """What the run returned. 409 while it has not ended, 404 when it ended without a result.

    As JSON it is the result itself. JSON Lines and CSV hold one row for each entry of the result's one list-valued
    field, or the result as the only row when it has no list or several. In CSV the columns are in alphabetical order,
    and a text beginning with `=`, `+`, `-` or `@` gets a leading apostrophe, so that no spreadsheet takes it for a
    formula.
    """
    run = run_in_reach(request, run_id)
    result = result_of(run=run)
    style = chosen or _accepted(request)
    writers = {ResultFormat.JSON: _to_json, ResultFormat.JSONL: to_json_lines, ResultFormat.CSV: to_csv}
    name = f"{run.automation.key}-{run.short_id}.{style}"
    return HttpResponse(
        writers[style](result),
        content_type=_TYPES[style],
        headers={
            "Vary": "Accept",
            "Content-Disposition": str(content_disposition_header(style is ResultFormat.CSV, name)),
        },
    )


def _to_json(result: dict[str, object]) -> str:
    return json.dumps(result, ensure_ascii=False)


def _accepted(request: ApiRequest) -> ResultFormat:
    preferred = request.get_preferred_type(list(_ACCEPTED))
    return _ACCEPTED.get(preferred or "", ResultFormat.JSON)
