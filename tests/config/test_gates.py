"""Every endpoint of the server is gated, except the few that design says are open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, clear_url_caches, get_resolver, resolve, reverse

from config import urls

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = {"healthz", "admin/login/"}
"""Everything a stranger may read; beside it only the console's static files, which no URL pattern serves."""
SAMPLES = {"uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "int": "1"}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every path the server knows, with an example for each of its parameters."""
    for item in resolver.url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from patterns(item, route)
        else:
            assert isinstance(item, URLPattern)
            yield example(route)


def example(route: str) -> str:
    """One path that matches a route."""
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "", "x"), route)
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "x", path)
    return path.strip("^$").removesuffix(r"\Z")


@pytest.mark.django_db
def test_every_endpoint_asks_a_stranger_who_they_are(settings) -> None:
    settings.API_FAILURES_PER_MINUTE = 10_000
    opened = set()

    for path in set(patterns(get_resolver())):
        resolve(f"/{path}")
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(Client(raise_request_exception=False), method)(f"/{path}")
            if not is_gated(answer):
                opened.add(path)

    assert opened <= OPEN
    assert Client().get("/healthz").content == b"ok"


def is_gated(answer: Any) -> bool:
    """Whether an answer gave a stranger nothing: a refusal, or the way to the sign-in."""
    if answer.status_code == 302:
        return str(answer["Location"]).startswith("/admin/")
    return int(answer.status_code) in {401, 403, 404, 405}


@pytest.mark.parametrize("name", ["openapi-json", "openapi-view"])
def test_the_reference_is_for_signed_in_operators(name, admin_user, django_user_model) -> None:
    path = reverse(f"api-v1:{name}")
    visitor, operator = Client(), Client()
    visitor.force_login(django_user_model.objects.create_user("visitor"))
    operator.force_login(admin_user)

    for refused in (Client().get(path), visitor.get(path)):
        assert refused.status_code == 302
        assert refused["Location"] == f"/admin/login/?next={path}"
    assert operator.get(path).status_code == 200


@pytest.fixture
def without_console(settings):
    """The server as it is where the console's templates are not on disk."""
    kept = list(urls.urlpatterns)
    settings.REVIEW_UI = False
    urls.urlpatterns[:] = urls.patterns(console=False)
    clear_url_caches()
    yield
    urls.urlpatterns[:] = kept
    clear_url_caches()


@pytest.mark.usefixtures("without_console", "db")
@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/login/", "/api/v1/docs", "/api/v1/openapi.json"])
def test_without_a_console_there_is_nothing_to_sign_in_to(path) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.usefixtures("without_console")
def test_without_a_console_the_api_works(caller) -> None:
    assert caller.get("/runs").status_code == 200
    assert Client().get("/healthz").status_code == 200
