"""The statements of a batch that Django's ORM has no words for: each is one, whatever the size of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from intake.models import Event, IntakeLedger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from django.db.models import Model

_COUNTED = ("received", "stored", "duplicate", "rejected")


def insert_new(events: Sequence[Event]) -> set[UUID]:
    """Insert the events whose source has none with their key, and return the ids of those.

    `bulk_create(ignore_conflicts=True)` does not say which rows it wrote. In the order of their keys, so that two batches
    at once wait for each other instead of deadlocking.
    """
    if not events:
        return set()
    ordered = sorted(events, key=lambda event: (event.source_id, event.key))
    statement, values = _insert(Event, ordered)
    id_field = _options(Event).pk
    end = f"ON CONFLICT (source_id, key) DO NOTHING RETURNING {_quoted(id_field.column)}"
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} {end}", values)
        return {id_field.to_python(row[0]) for row in cursor.fetchall()}


def add_to_ledger(lines: Iterable[IntakeLedger]) -> None:
    """Add the counts of each line to what the ledger says of its day and slug."""
    ordered = sorted(lines, key=lambda line: (line.day, line.slug))
    if not ordered:
        return
    table = _quoted(_options(IntakeLedger).db_table)
    statement, values = _insert(IntakeLedger, ordered)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _COUNTED)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} ON CONFLICT (day, slug) DO UPDATE SET {added}", values)


def _insert(model: type[Model], rows: Sequence[Model]) -> tuple[str, list[Any]]:
    """INSERT of all fields but a key the database makes, and its values."""
    options = _options(model)
    fields = [field for field in options.concrete_fields if not (field.primary_key and field.db_returning)]
    columns = ", ".join(_quoted(field.column) for field in fields)
    # Names of tables and columns come from the models, all values are parameters.
    into = f"INSERT INTO {_quoted(options.db_table)} ({columns})"
    values = [
        [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows]
        for field in fields
    ]
    if connection.vendor == "postgresql":
        # A list for each column: the driver reads thousands of places slower than the server stores the rows.
        lists = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
        return f"{into} SELECT * FROM unnest({lists})", values  # noqa: S608 - see above
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    return f"{into} VALUES {places}", [value for row in zip(*values, strict=True) for value in row]


def _options(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django's documented way to ask a model for its fields


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))
