"""`secrets rotate`: every encrypted value of the installation comes under the newest key, and none is lost on the way."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from automations.models import Credential
from automations.services.credentials import set_credential
from infra_shared.blobs.django_store import artifact_store
from infra_shared.clock import utc_now
from infra_shared.crypto import decrypt_json, encrypt_json
from infra_shared.models import AuditLine
from infra_shared.redaction import Redactor
from infra_shared.sealing import unsealed
from infra_shared.services import key_rotation
from infra_shared.services.key_rotation import key_places
from intake.models import SourceSecret
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact
from tests.support import intake, sample
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db
SECRET = "canary-7Hq2-horse"
COLUMN = "automations.Credential.fields"


@pytest.fixture
def add_key(settings: Any) -> Callable[[], None]:
    """Put a new key before those of the installation."""

    def add() -> None:
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

    return add


def credentials(count: int) -> None:
    for number in range(count):
        set_credential(name=f"shop-{number}", fields={"token": f"{SECRET}-{number}"}, actor="command")


def tokens() -> set[str]:
    return {row.fields.reveal()["token"] for row in Credential.objects.all()}


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("secrets", *arguments, stdout=out)
    return out.getvalue()


def quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that holds a secret, as an attempt leaves it."""
    _, claim = sample.claimed_run(sample.install(monkeypatch))
    writer = EvidenceWriter(
        claim=claim, store=artifact_store(), outage=timedelta(seconds=1), redactor=Redactor([SECRET])
    )
    writer.evidence(
        Evidence(
            kind=ArtifactKind.DOWNLOAD,
            name="file",
            content_type="text/plain",
            body=SECRET.encode(),
            captured_at=utc_now(),
        )
    )
    writer.flush(seconds=30)
    writer.close()


def test_everything_that_is_encrypted_can_be_read_with_the_newest_key_alone_afterwards(
    add_key: Callable[[], None], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    credentials(3)
    intake.source()
    seed = {"secret": encrypt_json(SECRET)}
    operator = get_user_model().objects.create_user("anna")
    Authenticator.objects.create(user=operator, type=Authenticator.Type.TOTP, data=seed)
    quarantine(monkeypatch)
    add_key()

    assert json.loads(said("status", "--json"))["places"][COLUMN]["older"] == 3
    told = json.loads(said("rotate", "--json"))

    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    rotated = {name: facts["rotated"] for name, facts in told["places"].items() if facts["rotated"]}
    assert rotated == {
        COLUMN: 3,
        "intake.SourceSecret.secret": 1,
        "mfa.Authenticator.data": 1,
        "runs.Artifact.sealed_blob": 1,
    }
    assert len(tokens()) == 3
    assert SourceSecret.objects.get().secret.reveal() == intake.SECRET
    assert decrypt_json(Authenticator.objects.get().data["secret"]) == SECRET
    sealed = Artifact.objects.select_related("sealed_blob").get().sealed_blob
    assert sealed is not None
    with artifact_store().open(sealed) as reader:
        assert b"".join(unsealed(reader)) == SECRET.encode()  # type: ignore[arg-type]  # it is read, nothing else
    assert AuditLine.objects.filter(action="secrets.rotate").exists()


def test_every_encrypted_column_of_every_app_is_a_place() -> None:
    names = {place.name for place in key_places()}

    assert names >= {
        COLUMN,
        "infra_shared.AlertChannel.secret",
        "infra_shared.AlertChannel.url",
        "infra_shared.SignedInSession.state",
        "intake.SourceSecret.secret",
        "runs.Checkpoint.content",
        "runs.CommitGuard.after",
        "runs.Question.answer",
        "runs.RunSecrets.content",
    }


def test_a_rotation_that_was_broken_off_goes_on_where_it_was(add_key: Callable[[], None]) -> None:
    credentials(5)
    add_key()
    (place,) = (place for place in key_places() if place.name == COLUMN)

    next(iter(place.walk(rotate=True, batch=2)))
    told = json.loads(said("rotate", "--batch", "2", "--json"))["places"][COLUMN]

    assert (told["rotated"], told["newest"], told["older"]) == (3, 5, 0)


def test_a_value_that_is_written_meanwhile_is_not_lost(
    add_key: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials(2)
    add_key()

    def slowly(text: str) -> str:
        """Somebody sets the first one anew between the reading and the writing."""
        if not Credential.objects.filter(field_names=["password"]).exists():
            set_credential(name="shop-0", fields={"password": "new"}, actor="command")
        return encrypt_json(decrypt_json(text))

    monkeypatch.setattr(key_rotation, "reencrypt", slowly)
    said("rotate")

    assert Credential.objects.get(name="shop-0").fields.reveal() == {"password": "new"}
    assert json.loads(said("status", "--json"))["places"][COLUMN] == {
        "newest": 2, "older": 0, "unreadable": 0, "rotated": 0, "lost_at": [], "held_at": [],
    }  # fmt: skip


def test_a_check_changes_nothing_and_fails_while_an_older_key_is_needed(add_key: Callable[[], None]) -> None:
    credentials(1)
    said("rotate", "--check")
    add_key()

    with pytest.raises(CommandError, match="1 values are under an older key"):
        said("rotate", "--check")

    assert json.loads(said("status", "--json"))["places"][COLUMN]["older"] == 1


def test_a_value_no_key_fits_is_named_by_its_row_and_the_others_are_rotated(
    add_key: Callable[[], None], settings: Any
) -> None:
    ring = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    credentials(1)
    lost = Credential.objects.get()
    settings.FIELD_ENCRYPTION_KEYS = ring
    set_credential(name="bank", fields={"token": SECRET}, actor="command")
    add_key()

    with pytest.raises(CommandError, match="Put the key they were stored with back"):
        said("rotate")

    assert f"{COLUMN}: no key fits {lost.pk}" in said("status")
    assert json.loads(said("status", "--json"))["places"][COLUMN]["newest"] == 1
