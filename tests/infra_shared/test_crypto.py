"""Values at rest: unreadable without the keys, invisible to who does not ask, readable through a rotation."""

from __future__ import annotations

import copy
import json

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, models
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from infra_shared import crypto
from infra_shared.checks import encryption_keys_are_usable

SECRET = {"password": "correct horse"}


@pytest.fixture
def vault(transactional_db):
    """A model with an encrypted field, and its table."""
    with isolate_apps("infra_shared"):

        class Vault(models.Model):
            content = crypto.EncryptedJSONField(null=True)  # type: ignore[misc]  # read as Sealed or None

            class Meta:
                app_label = "infra_shared"

            def __str__(self) -> str:
                return str(self.content)

        with connection.schema_editor() as editor:
            editor.create_model(Vault)
        yield Vault
        with connection.schema_editor() as editor:
            editor.delete_model(Vault)


def test_a_value_comes_back_from_the_database_and_is_not_readable_in_it(vault):
    vault.objects.create(content=SECRET)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT content FROM {vault._meta.db_table}")
        stored = cursor.fetchone()[0]

    assert vault.objects.get().content.reveal() == SECRET
    assert "horse" not in stored
    assert vault.objects.create(content=None).content is None


def test_neither_repr_nor_serialiser_nor_form_shows_the_value(vault):
    row = vault.objects.create(content=SECRET)
    serialised = serializers.serialize("json", [row])

    assert "horse" not in f"{row.content} {row.content!r} {vars(row)} {serialised}"
    assert vault(content=json.loads(serialised)[0]["fields"]["content"]).content.reveal() == SECRET
    assert "content" not in modelform_factory(vault, fields="__all__").base_fields


def test_a_value_cannot_be_searched_for_except_for_its_absence(vault):
    vault.objects.create(content=None)

    assert vault.objects.filter(content__isnull=True).count() == 1
    with pytest.raises(FieldError):
        vault.objects.filter(content=SECRET)


def test_old_keys_still_decrypt_and_reencrypting_moves_a_value_to_the_newest(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    stored = crypto.encrypt_json(SECRET)

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    moved = crypto.reencrypt(stored)

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert crypto.decrypt_json(moved) == SECRET
    with pytest.raises(crypto.DecryptionError, match="FIELD_ENCRYPTION_KEYS"):
        crypto.decrypt_json(stored)


def test_an_altered_token_is_refused():
    token = bytearray(crypto.encrypt(b"value"))
    token[20] ^= 1

    with pytest.raises(crypto.DecryptionError):
        crypto.decrypt(bytes(token))


@pytest.mark.parametrize("keys", [[], ["too short"]])
def test_an_unusable_key_list_is_named_by_the_system_check(settings, keys):
    settings.FIELD_ENCRYPTION_KEYS = keys

    [problem] = encryption_keys_are_usable()

    assert "FIELD_ENCRYPTION_KEYS" in problem.msg
    with pytest.raises(ImproperlyConfigured):
        crypto.encrypt(b"value")


def test_a_sealed_value_can_be_copied_and_compared_but_not_hashed():
    sealed = crypto.Sealed(SECRET)

    assert copy.deepcopy(sealed) == sealed
    with pytest.raises(TypeError):
        hash(sealed)
