"""The root of the API: every app's endpoints under /api/v1, one error map, one reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninja import NinjaAPI, Swagger

from automations.api import routers as automations
from config.api_errors import map_errors
from config.api_query import refuse_unknown_queries
from config.api_reference import DESCRIPTION, Reference, operators_only
from intake.api import routers as intake
from runs.api import routers as runs

if TYPE_CHECKING:
    from ninja.operation import Operation


class Api(NinjaAPI):
    """A NinjaAPI whose OpenAPI document names scopes and problem answers."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> Reference:
        """The OpenAPI document."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        return Reference(self, prefix)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The endpoint's name alone: what a generated client calls its method."""
        return operation.view_func.__name__


api = Api(
    title="Automations API",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api-v1",
    docs=Swagger({"persistAuthorization": False, "tryItOutEnabled": True}),
    docs_decorator=operators_only,
)
map_errors(api)
for router in (*runs, *automations, *intake):
    refuse_unknown_queries(router)
    api.add_router("", router)
