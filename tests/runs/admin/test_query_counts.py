"""Pages ask the database a few questions, however much there is to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.counting import counted_up_to
from infra_shared.models import AlertChannel
from runs.models import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
OF_EVERY_PAGE = 4
"""Session, operator, the operator's reach, and what is paused."""


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/admin/", 15),
        ("/admin/runs/run/", 6),
        ("/admin/runs/failurefamily/", 6),
        ("/admin/automations/automation/", 6),
        ("/admin/automations/automation/{automation}/change/", 6),
        ("/admin/automations/schedule/", 6),
        ("/admin/runs/node/", 6),
        ("/admin/infra_shared/outboxmessage/", 6),
    ],
)
def test_a_page_asks_no_more_than_it_is_allowed(
    path: str,
    most: int,
    console: Client,
    runs_factory: RunsFactory,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org")
    for _ in range(3):
        runs_factory.failed()
        runs_factory.succeeded()
        runs_factory.waiting_for_a_person()

    with django_assert_max_num_queries(most + OF_EVERY_PAGE):
        answer = console.get(path.format(automation=runs_factory.version.automation_id))

    assert answer.status_code == 200


def test_several_counts_are_one_question_and_stop_at_the_cap(
    runs_factory: RunsFactory,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    for _ in range(3):
        runs_factory.requested()

    with django_assert_max_num_queries(1):
        counts = counted_up_to(
            2, Run.objects.all(), Run.objects.filter(state="failed"), Run.objects.order_by("-id")
        )

    assert counts == [2, 0, 2]
