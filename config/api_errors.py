"""What each error answers. The only place that knows: services raise, and this table says the HTTP status."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from automations.errors import (
    FieldProblem,
    FileConflictError,
    FileRefusedError,
    FileTooLargeError,
    ParamsInvalidError,
    ScheduleInvalidError,
)
from infra_shared.api.problems import NOT_FIT, ApiError, FieldError, problem_response
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.database import is_lock_or_connection_error
from infra_shared.invalid_words import in_words
from infra_shared.services.api_keys import ApiKeyRefusedError
from intake.errors import (
    BatchMalformedError,
    BatchTooLargeError,
    EdgeSignatureError,
    IntakeInvalidError,
    ReplayConflictError,
    ReplayRefusedError,
)
from runs.errors import (
    AnswerInvalidError,
    ArtifactMissingError,
    BackfillRefusedError,
    IdempotencyConflictError,
    InvalidRequestError,
    NoResultError,
    ResultPendingError,
    UnknownAutomationError,
    UnknownCustomerError,
    WrongStateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninja import NinjaAPI

RETRY_AFTER_SECONDS = 5
DATABASE_AWAY = "The database does not answer. Nothing was lost: try again in a few seconds."
_log = structlog.get_logger(__name__)

# Errors whose message is the detail.
_STATUS: dict[type[Exception], HTTPStatus] = {
    ApiKeyRefusedError: HTTPStatus.UNAUTHORIZED,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    UnknownAutomationError: HTTPStatus.NOT_FOUND,
    UnknownCustomerError: HTTPStatus.NOT_FOUND,
    NoResultError: HTTPStatus.NOT_FOUND,
    ArtifactMissingError: HTTPStatus.NOT_FOUND,
    IdempotencyConflictError: HTTPStatus.CONFLICT,
    WrongStateError: HTTPStatus.CONFLICT,
    BackfillRefusedError: HTTPStatus.CONFLICT,
    ResultPendingError: HTTPStatus.CONFLICT,
    FileConflictError: HTTPStatus.CONFLICT,
    FileTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    FileRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    EdgeSignatureError: HTTPStatus.UNAUTHORIZED,
    BatchMalformedError: HTTPStatus.BAD_REQUEST,
    BatchTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ReplayRefusedError: HTTPStatus.CONFLICT,
    ReplayConflictError: HTTPStatus.CONFLICT,
}
# Errors whose message is not for callers, with what is.
_DETAIL: dict[type[Exception], tuple[HTTPStatus, str]] = {
    Http404: (HTTPStatus.NOT_FOUND, "There is nothing here."),
    SuspiciousOperation: (HTTPStatus.BAD_REQUEST, "The request is malformed."),
    RequestDataTooBig: (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is larger than the 2.5 MB that JSON may have here. Send what is large as a file: POST /files.",
    ),
}
_UNAVAILABLE: dict[type[Exception], str] = {
    BlobStorageError: "The store of files does not answer. Try again in a few seconds.",
}
Handler = Callable[[HttpRequest, Any], HttpResponse]


def map_errors(api: NinjaAPI) -> None:
    """Make every error of an endpoint a problem answer."""
    handlers: dict[type[Exception], Handler] = {
        Exception: _unexpected,
        DatabaseError: _database_error,
        InterfaceError: _database_error,
        ApiError: _api_error,
        HttpError: _http_error,
        ValidationError: _invalid_request,
        InvalidRequestError: _invalid_field,
        ParamsInvalidError: partial(_invalid_fields, prefix="params"),
        AnswerInvalidError: partial(_invalid_fields, prefix="answer"),
        ScheduleInvalidError: partial(_invalid_fields, prefix=""),
        IntakeInvalidError: partial(_invalid_fields, prefix=""),
    }
    for kind, status in _STATUS.items():
        handlers[kind] = partial(_told, status=status)
    for kind, (status, detail) in _DETAIL.items():
        handlers[kind] = partial(_fixed, status=status, detail=detail)
    for kind, detail in _UNAVAILABLE.items():
        handlers[kind] = partial(_unavailable, detail=detail)
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _told(_request: HttpRequest, error: Exception, *, status: HTTPStatus) -> HttpResponse:
    return problem_response(status, str(error), headers=_headers(status))


def _fixed(_request: HttpRequest, _error: Exception, *, status: HTTPStatus, detail: str) -> HttpResponse:
    return problem_response(status, detail)


def _api_error(_request: HttpRequest, error: ApiError) -> HttpResponse:
    headers = error.headers | _headers(error.status)
    return problem_response(error.status, str(error), errors=error.errors, headers=headers)


def _http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    detail = _not_json(error.__cause__) or str(error)
    return problem_response(error.status_code, detail, headers=_headers(error.status_code))


def _not_json(error: BaseException | None) -> str:
    """Where a body stops being JSON, never what stands there: it may be a secret. Empty for other errors."""
    match error:
        case JSONDecodeError():
            return f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        case UnicodeDecodeError():
            return "The body is not JSON in UTF-8."
        case RecursionError():
            return "The body is nested too deep."
        case _:
            return ""


def _headers(status: int) -> dict[str, str]:
    # RFC 9110, section 11.6.1: a 401 names a way to authenticate. No browser asks for a password at this one.
    return {"WWW-Authenticate": "ApiKey"} if status == HTTPStatus.UNAUTHORIZED else {}


def _unavailable(_request: HttpRequest, error: Exception, *, detail: str) -> HttpResponse:
    _log.warning("api_unavailable", error=str(error))
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)


def _database_error(request: HttpRequest, error: Exception) -> HttpResponse:
    if is_lock_or_connection_error(error):
        return _unavailable(request, error, detail=DATABASE_AWAY)
    return _unexpected(request, error)


def _unexpected(_request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("api_failed", exc_info=error)
    detail = "Something went wrong on this side. Tell the operator the request id."
    return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _invalid_request(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    if any(item["loc"][0] == "path" for item in error.errors):
        # What cannot be an id names nothing.
        return problem_response(HTTPStatus.NOT_FOUND, "There is nothing under this id.")
    return _fields(FieldProblem(_path(item["loc"]), in_words(item)) for item in error.errors)


def _invalid_field(_request: HttpRequest, error: InvalidRequestError) -> HttpResponse:
    return _fields([FieldProblem(error.field, str(error))])


def _invalid_fields(
    _request: HttpRequest,
    error: ParamsInvalidError | ScheduleInvalidError | AnswerInvalidError | IntakeInvalidError,
    *,
    prefix: str,
) -> HttpResponse:
    return _fields(
        FieldProblem(".".join(part for part in (prefix, item.field) if part), item.message)
        for item in error.problems
    )


def _fields(problems: Iterable[FieldProblem]) -> HttpResponse:
    """One entry for each field; several complaints about the same one are joined."""
    messages: dict[str, list[str]] = {}
    for problem in problems:
        messages.setdefault(problem.field, []).append(problem.message)
    errors = [FieldError(field=field, message="; ".join(told)) for field, told in messages.items()]
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, NOT_FIT, errors=errors)


def _path(location: tuple[str | int, ...]) -> str:
    """The dotted path of a field, without where it was (body, query) and without the view's name for the body."""
    inside = location[2:] if location[0] == "body" else location[1:]
    return ".".join(str(part) for part in inside) or "body"
