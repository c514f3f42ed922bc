"""A view that blows up with secrets all around it: none of them is in the answer, the log or a report."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.urls import path
from django.views.debug import ExceptionReporter

from infra_shared.logging import configure_from_settings, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

CANARIES = {name: f"canary-in-{name}" for name in ("local", "header", "cookie", "body", "query")}

SEEN_IN_DEVELOPMENT = "-".join(("seen", "in", "development", str(len(CANARIES["local"]))))
"""A local variable of the view, as no line of its source says it: reports quote those."""


def blows_up(request: HttpRequest) -> HttpResponse:
    """A view of this test alone."""
    password = "".join(CANARIES["local"])  # as a decrypted credential would be
    letters = "-".join(("seen", "in", "development", str(len(password))))
    raise RuntimeError(f"it failed with {len(letters)} letters in hand")


urlpatterns = [path("blows-up", blows_up)]


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What is logged."""
    configure_logging(level="DEBUG", json=True)
    handler = next(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    written = StringIO()
    handler.setStream(written)
    yield written
    configure_from_settings(django_settings.LOGGING)


def sent() -> dict[str, Any]:
    return {
        "path": f"/blows-up?code={CANARIES['query']}",
        "data": {"comment": CANARIES["body"]},
        "HTTP_AUTHORIZATION": f"Bearer {CANARIES['header']}",
        "HTTP_X_API_KEY": CANARIES["header"],
        "HTTP_COOKIE": f"sessionid={CANARIES['cookie']}",
    }


def found(text: str) -> list[str]:
    return [name for name, canary in CANARIES.items() if canary in text]


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_neither_the_answer_nor_the_log_holds_a_canary(log) -> None:
    answer = Client(raise_request_exception=False).post(**sent())

    assert answer.status_code == 500
    assert found(answer.content.decode()) == []
    assert "it failed with" in log.getvalue()
    assert found(log.getvalue()) == []
    [line] = [line for line in map(json.loads, log.getvalue().splitlines()) if "exception" in line]
    assert (line["method"], line["path"]) == ("POST", "/blows-up")


@pytest.mark.parametrize("debug", [True, False])
def test_a_report_of_the_exception_holds_no_canary_but_in_development_the_address(settings, debug) -> None:
    settings.DEBUG = debug
    request = RequestFactory().post(**sent())
    with pytest.raises(RuntimeError) as raised:
        blows_up(request)

    reporter = ExceptionReporter(request, raised.type, raised.value, raised.tb)
    page, text = reporter.get_traceback_html(), reporter.get_traceback_text()

    assert set(found(page) + found(text)) <= {"query"}
    assert (SEEN_IN_DEVELOPMENT in page) is debug


def test_reports_are_sent_to_nobody() -> None:
    assert django_settings.ADMINS == []
    names = {
        type(handler).__name__
        for name in logging.root.manager.loggerDict
        for handler in logging.getLogger(name).handlers
    }
    assert "AdminEmailHandler" not in names
