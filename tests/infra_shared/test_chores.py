"""Chores name functions that exist and do what they say."""

from __future__ import annotations

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.module_loading import import_string

from infra_shared.blobs.protocol import BlobInfo
from infra_shared.chores import CHORES, Chore
from infra_shared.models import Blob
from infra_shared.services.blobs import remember_blob
from infra_shared.services.outbox import enqueue_mail


@pytest.mark.django_db
@pytest.mark.parametrize("chore", CHORES, ids=lambda chore: chore.name)
def test_each_chore_names_a_function_that_runs_without_arguments(chore):
    import_string(chore.path)()


@pytest.mark.django_db
def test_the_outbox_chore_sends_what_is_due():
    enqueue_mail(recipients=["anna@example.org"], subject="Hello", body_text="Text")

    [path] = [chore.path for chore in CHORES if chore.name == "send-outbox"]
    assert import_string(path)() == {"sent": 1, "postponed": 0, "failed": 0}
    assert len(mail.outbox) == 1


def test_a_chore_without_a_pause_is_refused():
    with pytest.raises(ValueError, match="at least a minute"):
        Chore(name="x", path="y", every_minutes=0)


@pytest.mark.django_db
def test_a_blob_stored_again_keeps_its_row_and_shows_that_it_was_wanted():
    info = BlobInfo("a" * 64, 10, 8, "zstd")
    first = remember_blob(info)
    later = timezone.now()

    again = remember_blob(info)

    assert again == first
    assert (again.size_bytes, again.encoding) == (10, "zstd")
    assert not Blob.objects.last_put_before(later).exists()
