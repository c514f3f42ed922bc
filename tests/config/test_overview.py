"""The overview as it stands open through a night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def test_the_overview_asks_for_itself_and_gets_what_failed_meanwhile(
    console: Client, runs_factory: RunsFactory
) -> None:
    opened = console.get("/admin/").text
    runs_factory.failed("The shop was closed.")

    newer = console.get("/admin/", headers={"HX-Request": "true"}).text

    assert 'id="overview" hx-get="/admin/" hx-trigger="every 60s" hx-select="#overview"' in opened
    assert "The shop was closed." in newer.partition('id="overview"')[2]
