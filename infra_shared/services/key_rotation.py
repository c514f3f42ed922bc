"""Brings every encrypted value of the installation under the newest key."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import connection, transaction
from django.utils.module_loading import import_string

from infra_shared.crypto import EncryptedJSONField, key_number_of_text, reencrypt
from infra_shared.database import when_reachable
from infra_shared.key_places import KeyPlace, Tally
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import Model
    from django.db.models.options import Options

_OUTAGE = timedelta(minutes=1)
_SEEDS = ("secret", "seed")


class Column(KeyPlace):
    """One column of encrypted values. It is read and written as the database has it, so that nothing is decrypted in vain."""

    def __init__(self, model: type[Model], field: EncryptedJSONField) -> None:
        options = _options(model)
        self.name = f"{options.label}.{field.name}"
        assert options.pk is not None  # every table has a key
        table, key, value = map(
            connection.ops.quote_name, (options.db_table, options.pk.column, field.column)
        )
        # The names are the models' own.
        self._read = f"SELECT {key}, {value} FROM {table} WHERE {value} IS NOT NULL"  # noqa: S608
        self._after, self._order = f" AND {key} > %s", f" ORDER BY {key} LIMIT %s"
        self._write = f"UPDATE {table} SET {value} = %s WHERE {key} = %s AND {value} = %s"  # noqa: S608

    def walk(self, *, rotate: bool, batch: int) -> Iterator[Tally]:
        """Every row by its key; each batch is one short transaction."""
        tally, last = Tally(), None
        while rows := self._rows(last, batch):
            self._judge(rows, tally, rotate=rotate)
            last = rows[-1][0]
            yield tally

    def _rows(self, last: Any, batch: int) -> list[tuple[Any, str]]:
        def read() -> list[tuple[Any, str]]:
            with connection.cursor() as cursor:
                if last is None:
                    cursor.execute(self._read + self._order, [batch])
                else:
                    cursor.execute(self._read + self._after + self._order, [last, batch])
                return list(cursor.fetchall())

        return when_reachable(read, up_to=_OUTAGE)

    def _judge(self, rows: list[tuple[Any, str]], tally: Tally, *, rotate: bool) -> None:
        old: list[tuple[Any, str, str]] = []
        for key, text in rows:
            number = key_number_of_text(text)
            tally.add(number, row=key)
            if rotate and number:
                old.append((key, text, reencrypt(text)))
        if old:
            for _ in range(when_reachable(lambda: self._replace(old), up_to=_OUTAGE)):
                tally.moved()

    @transaction.atomic
    def _replace(self, rows: list[tuple[Any, str, str]]) -> int:
        """How many were still what was read. What somebody else wrote meanwhile is under the newest key, or comes next time."""
        changed = 0
        with connection.cursor() as cursor:
            for key, text, new in rows:
                cursor.execute(self._write, [new, key, text])
                changed += cursor.rowcount
        return changed


class SecondFactors(KeyPlace):
    """The seeds of operators' second factors, inside a JSON column of allauth's."""

    name = "mfa.Authenticator.data"

    def walk(self, *, rotate: bool, batch: int) -> Iterator[Tally]:
        """Every operator's, each in a transaction that locks its row."""
        tally = Tally()
        for number, pk in enumerate(Authenticator.objects.order_by("pk").values_list("pk", flat=True), 1):
            self._judge(pk, tally, rotate=rotate)
            if number % batch == 0:
                yield tally
        yield tally

    @transaction.atomic
    def _judge(self, pk: Any, tally: Tally, *, rotate: bool) -> None:
        factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if factor is None:
            return
        for name in _SEEDS:
            text = factor.data.get(name)
            if text is None:
                continue
            number = key_number_of_text(text)
            tally.add(number, row=f"{pk} {name}")
            if rotate and number:
                factor.data[name] = reencrypt(text)
                factor.save(update_fields=["data"])
                tally.moved()


def key_places() -> list[KeyPlace]:
    """Every place of the installation: the encrypted columns of all models, and what the apps name beside them."""
    columns: list[KeyPlace] = [
        Column(model, field)
        for model in apps.get_models(include_auto_created=True)
        if _options(model).managed and not _options(model).proxy
        for field in _options(model).local_fields
        if isinstance(field, EncryptedJSONField)
    ]
    named = [path for app in apps.get_app_configs() for path in getattr(app, "key_places", ())]
    return [*sorted(columns, key=lambda place: place.name), *(import_string(path)() for path in named)]


def keep_line(*, actor: str, tallies: Mapping[str, Tally]) -> None:
    """A line of the audit log about a rotation that came to its end."""
    details = {name: {"rotated": tally.rotated, "older": tally.older} for name, tally in tallies.items()}
    audit.record(
        actor=actor,
        action="secrets.rotate",
        object_kind="key_ring",
        object_id="FIELD_ENCRYPTION_KEYS",
        details=details,
    )


def _options(model: type[Model]) -> Options[Any]:
    return model._meta  # noqa: SLF001 - Django's documented way to a model's table and columns
