"""Permissions by short words, for the migrations that give them to the console's roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.apps.registry import Apps


def permissions_of(apps: Apps, lines: Iterable[str]) -> list[Any]:
    """The rows of permissions that lines like "runs.run: view cancel" name, made where they are missing.

    Django makes such rows only after the last migration, and leaves alone those it finds. `apps` are the models as a
    migration knows them.
    """
    return [row for line in lines for row in _permissions(apps, line)]


def _permissions(apps: Apps, line: str) -> list[Any]:
    label, _, verbs = line.partition(": ")
    model = apps.get_model(label)._meta  # noqa: SLF001 - Django's documented name of a model's facts
    kind, _ = apps.get_model("contenttypes.ContentType").objects.get_or_create(
        app_label=model.app_label, model=model.model_name
    )
    rows = apps.get_model("auth.Permission").objects
    words = dict(model.permissions)
    found = []
    for verb in verbs.split():
        codename = f"{verb}_{model.model_name}"
        name = words.get(codename, f"Can {verb} {model.verbose_name}")
        found.append(rows.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0])
    return found
