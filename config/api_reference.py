"""The API's reference: what it says of itself, and who may read it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema

from config.api_examples import EXAMPLES
from config.api_query import query_names
from infra_shared.api.auth import ApiKeyAuth
from infra_shared.api.problems import CONTENT_TYPE, Problem
from infra_shared.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninja.operation import Operation

_SCOPES = "\n".join(f"| `{scope.value}` | {scope.opens} |" for scope in Scope)
DESCRIPTION = f"""
Create runs of automations, follow them, and fetch what they returned and what they saw.

**Keys.** Send an API key in the header `X-API-Key`. An operator issues it, with scopes and the customers it reaches.
What belongs to another customer answers 404, as if it were not there.

| Scope | Opens |
|---|---|
{_SCOPES}

**Lists** answer `{{"items": […], "next_cursor": …}}`. Send `next_cursor` as `cursor` for the next page; it is null on
the last one. `limit` is 1 to 200, by default 50.

**Problems** answer `application/problem+json` (RFC 9457). With 422, `errors` has one entry for each field.

**Limits.** A key has a number of requests a minute, an address a number of failed key checks; beyond it the answer is
429. It and 503 carry `Retry-After` in seconds.

**Units.** Times are ISO 8601 in UTC, durations end in `_seconds`, sizes in `_bytes`.
"""
_ALWAYS = {
    401: "The API key is missing, unknown, revoked or expired.",
    403: "The API key does not carry the scope.",
    422: "Something does not fit; `errors` names each field.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The database or the store of files does not answer; `Retry-After` says when to come back.",
}
_NO_JSON = "The body is not JSON; `detail` says where it stops being it."
_NO_CURSOR = "The cursor is not one of this list."
_NOT_THERE = "There is no such thing within the key's reach."
_TOO_LARGE = "The body is larger than the 2.5 MB that JSON may have."
_FILE_TOO_LARGE = "The file is larger than this installation takes."
_EDGE_ALONE = "For the edge Worker: its key signs the request, an API key opens nothing here."
_TO_THE_EDGE = {
    400: "The request as a whole cannot be read; nothing was stored.",
    401: "The signature, its key or its time is not good.",
    413: "The request is too large; nothing was stored.",
    503: _ALWAYS[503],
}
_CONFLICTS = {
    "/cancel": "The run has ended.",
    "/rerun": "The run has not ended, or the idempotency key was used before with another body.",
    "/result": "The run has not ended.",
    "/input": "The run does not ask this now, or somebody else answered first.",
    "/acknowledge": "The alert is over, or somebody has taken it on.",
    "/backfill": "The schedule cannot be filled in; `detail` says why.",
    "/replay": "The event cannot be replayed now, or the idempotency key was used before for another replay.",
}
"""By how the path ends."""
_KEY_USED = "The idempotency key was used before with another request."
_LOCATION = {"Location": {"description": "Where to look at it.", "schema": {"type": "string"}}}
_MADE, _COME_BACK = {200, 201, 202}, {429, 503}
_RETRY_AFTER = {"Retry-After": {"description": "When to come back.", "schema": {"type": "integer"}}}


class Reference(OpenAPISchema):
    """The OpenAPI document, with the scope of each endpoint and the problems it may answer."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """One endpoint's part of the document."""
        details: dict[str, Any] = super().operation_details(operation)
        scopes = [auth.scope for auth in operation.auth_callbacks if isinstance(auth, ApiKeyAuth)]
        needs = " ".join(f"Needs the scope `{scope.value}`." for scope in scopes) or _EDGE_ALONE
        details["description"] = f"{details.get('description', '')}\n\n{needs}".strip()
        if scopes:
            # OpenAPI 3.1 lets other schemes than OAuth name roles here.
            details["security"] = [{ApiKeyAuth.__name__: [scope.value]} for scope in scopes]
        problems = _problems_of(operation) if scopes else _TO_THE_EDGE
        for status, words in problems.items():
            details["responses"].setdefault(status, _problem(words))
        for status, answer in details["responses"].items():
            if status in _COME_BACK:
                answer["headers"] = _RETRY_AFTER
            elif status in _MADE and operation.signature.response_arg:  # the view sets headers
                answer["headers"] = _LOCATION
        if scopes and _takes(operation, "body"):
            details["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[
                details["operationId"]
            ]
        return details

    def get_components(self) -> dict[str, Any]:
        """The shared schemas, the problem's among them."""
        problem = Problem.model_json_schema(ref_template=REF_TEMPLATE)
        self.add_schema_definitions(problem.pop("$defs"))
        self.add_schema_definitions({Problem.__name__: problem})
        components: dict[str, Any] = super().get_components()
        return components


def operators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view for signed-in operators; everybody else is sent to the sign-in, and to 404 where there is no console."""

    @wraps(view, assigned=())
    def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.REVIEW_UI:
            raise Http404
        if request.user.is_active and request.user.is_staff:
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return gated


def _problems_of(operation: Operation) -> dict[int, str]:
    found = dict(_ALWAYS)
    writes = "POST" in operation.methods
    if _takes(operation, "body"):
        found |= {400: _NO_JSON, 413: _TOO_LARGE}
    if "cursor" in query_names(operation):
        found[400] = _NO_CURSOR
    if writes or "{" in operation.path:
        found[404] = _NOT_THERE
    if writes and operation.path.endswith("/files"):
        found[413] = _FILE_TOO_LARGE
    conflict = next((words for end, words in _CONFLICTS.items() if operation.path.endswith(end)), "")
    if _takes(operation, "header"):  # the only header any endpoint takes is the idempotency key
        conflict = conflict or _KEY_USED
    if conflict and (writes or operation.path.endswith("/result")):
        found[409] = conflict
    return dict(sorted(found.items()))


def _takes(operation: Operation, part: str) -> bool:
    return any(model.__ninja_param_source__ == part for model in operation.models)


def _problem(words: str) -> dict[str, Any]:
    reference = REF_TEMPLATE.format(model=Problem.__name__)
    return {"description": words, "content": {CONTENT_TYPE: {"schema": {"$ref": reference}}}}
