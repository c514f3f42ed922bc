"""Every word of the vocabulary has its words for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from infra_shared.templatetags.console import span, when
from runs.admin import wording
from runs.states import RunState
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from django.test import Client


def test_every_failure_kind_and_every_kind_of_file_is_named() -> None:
    assert set(wording.FAILURES) == set(FailureKind)
    assert set(wording.ARTIFACTS) == set(ArtifactKind)
    assert set(wording.HEADLINES) | {RunState.FAILED, RunState.TIMED_OUT} == set(RunState)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (97200, "1 d 3 h"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_a_moment_is_told_in_the_zone_of_the_operator() -> None:
    moment = datetime(2020, 7, 1, 22, 30, tzinfo=UTC)

    with timezone.override("Europe/Berlin"):
        shown = when(moment)

    assert "2 Jul 2020" in shown
    assert "Thursday, 02 July 2020, 00:30:00 CEST" in shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cookie", "zone"), [("Asia/Tokyo", "Asia/Tokyo"), ("../../etc/passwd", "UTC"), ("", "UTC")]
)
def test_the_browser_tells_the_zone_and_a_wrong_one_changes_nothing(
    console: Client, cookie: str, zone: str
) -> None:
    console.cookies["console_time_zone"] = cookie

    assert f">{zone}</span>" in console.get("/admin/").text
