"""Query parameters that an endpoint does not know are refused, as unknown fields of a body are.

Without this `GET /runs?status=failed` would list every run, and whoever meant `state` would not notice.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from infra_shared.api.problems import FieldError, QueryInvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest, QueryDict
    from ninja import Router
    from ninja.operation import Operation


def refuse_unknown_queries(router: Router) -> None:
    """Have each endpoint of a router refuse, once the key was checked, what it does not know in the query."""
    for path in router.path_operations.values():
        for operation in path.operations:
            operation.view_func = _checked(operation.view_func, query_names(operation))


def query_names(operation: Operation) -> list[str]:
    """The query parameters that an endpoint takes, in alphabetical order; each at most once."""
    return sorted(
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    )


def _checked(view: Callable[..., Any], known: list[str]) -> Callable[..., Any]:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        errors = list(_errors(request.GET, known))
        if errors:
            raise QueryInvalidError(errors)
        return view(request, *args, **kwargs)

    return checked


def _errors(query: QueryDict, known: list[str]) -> Iterator[FieldError]:
    takes = f"This endpoint takes {', '.join(known)}." if known else "This endpoint takes none."
    for name, values in query.lists():
        if name not in known:
            yield FieldError(field=name, message=f"There is no such query parameter. {takes}")
        elif len(values) > 1:
            yield FieldError(field=name, message="Send it once.")
