"""The demo shows a schedule of each kind, and may be seeded again."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from automations.models import Schedule


@pytest.mark.django_db
def test_the_seeded_demo_has_schedules_of_every_kind_once() -> None:
    for _ in range(2):
        call_command("demo", "seed", "--runs", "5", verbosity=0)

    kinds = sorted(Schedule.objects.values_list("kind", flat=True))
    assert kinds == ["cron", "cron", "interval", "once"]
    assert Schedule.objects.filter(paused_at__isnull=False).count() == 1
