"""Mails about runs say what to do and show a small redacted picture of the step, or none."""

from __future__ import annotations

import email
import email.policy
import io
import random
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from PIL import Image

from infra_shared.models import Alert
from infra_shared.services import outbox
from runs.models import Artifact
from runs.services.alert_advice import advice_about
from runs.services.alert_pictures import MOST_BYTES, as_small_jpeg, small_picture
from runs.states import FAILED_RUNS, RunState
from tests.support.runs_factory import STEPS, picture
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from tests.support.receivers import Mailbox
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def _png(width: int, height: int, *, noisy: bool = False) -> bytes:
    pixels = random.Random(7).randbytes(width * height * 3) if noisy else bytes(width * height * 3)
    body = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(body, "PNG")
    return body.getvalue()


def test_the_failing_steps_picture_arrives_in_the_mail_small_and_inline(
    runs_factory: RunsFactory, mailbox: Mailbox, settings
) -> None:
    settings.ALERT_EMAILS = ["anna@example.org"]
    run = runs_factory.failed()

    outbox.send_due()

    mail = email.message_from_bytes(mailbox.mails[0], policy=email.policy.default)
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    body, text = parts["image/jpeg"], parts["text/plain"]
    assert body == as_small_jpeg(picture(STEPS[-1], failed=True))
    assert len(body) <= MOST_BYTES
    assert Image.open(io.BytesIO(body)).width <= 560
    assert f"/admin/runs/run/{run.pk}/change/" in text
    assert "What to do: Look at the step it ended in." in text


def test_a_quarantined_picture_is_left_out_and_no_other_takes_its_place(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    pictures = Artifact.objects.filter(run=run, kind=ArtifactKind.FAILURE_PICTURE)
    pictures.update(
        blob=None, missing_reason="Quarantined.", quarantined_at=timezone.now(), quarantine_reason="A token."
    )

    assert Artifact.objects.filter(run=run, kind=ArtifactKind.STEP_PICTURE).exists()
    assert small_picture(str(run.pk)) is None


def test_a_missing_picture_is_left_out(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    Artifact.objects.filter(run=run, kind=ArtifactKind.FAILURE_PICTURE).update(
        blob=None, missing_reason="The page was gone."
    )

    assert small_picture(str(run.pk)) is None


def test_a_run_that_waits_for_a_person_shows_its_last_step(runs_factory: RunsFactory) -> None:
    run = runs_factory.asking()

    assert small_picture(str(run.pk)) is not None
    assert Alert.objects.of_rules("person").get().advice == advice_about(run)


def test_a_run_that_saw_nothing_or_is_gone_has_no_picture(runs_factory: RunsFactory) -> None:
    assert small_picture(str(runs_factory.requested().pk)) is None
    assert small_picture("01989c5e-0000-7000-8000-000000000000") is None


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 9000), (3000, 40)])
def test_a_picture_of_any_shape_becomes_small_enough(width: int, height: int) -> None:
    body = as_small_jpeg(_png(width, height))

    assert body is not None
    small = Image.open(io.BytesIO(body))
    assert small.width <= 560
    assert small.height <= 700


def test_a_picture_that_does_not_get_small_is_left_out_or_bounded() -> None:
    body = as_small_jpeg(_png(1280, 1600, noisy=True))

    assert body is None or len(body) <= MOST_BYTES


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.CANCELLED])
def test_each_kind_of_failure_has_its_advice(runs_factory: RunsFactory, kind: FailureKind) -> None:
    run = runs_factory.requested()
    run.state, run.failure_kind = RunState.FAILED, kind

    assert advice_about(run)
    assert not advice_about(run).startswith("Open the run, look at its last step")


@pytest.mark.parametrize("state", sorted(FAILED_RUNS))
def test_each_bad_end_without_a_kind_has_advice(runs_factory: RunsFactory, state: str) -> None:
    run = runs_factory.requested()
    run.state, run.failure_kind = state, ""

    assert advice_about(run).endswith(".")
