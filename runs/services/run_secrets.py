"""The secret params of runs: kept encrypted until the run is over, given to its attempts.

The lifecycle erases them, in the transaction that ends the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations.services.params import secret_params_of
from infra_shared.redaction import MASK
from runs.errors import SecretsGoneError
from runs.models import RunSecrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runs.models import Run


def keep_secrets(*, run: Run, secrets: Mapping[str, Any]) -> None:
    """Write the secret params of a new run, part of the caller's transaction."""
    if secrets:
        RunSecrets.objects.update_or_create(run=run, defaults={"content": dict(secrets)})


def hidden_params(run: Run) -> list[str]:
    """The names of the params that were secret when the run was asked for, and were given."""
    names = secret_params_of(run.version)
    return sorted(name for name, value in run.params.items() if value == MASK and name in names)


def secrets_of(*, run: Run) -> dict[str, Any]:
    """The secret params of a run that is not over, by name; SecretsGoneError when they are not there.

    Without them ••• would be typed into somebody's form.
    """
    names = hidden_params(run)
    if not names:
        return {}
    row = RunSecrets.objects.filter(run=run).first()
    found: dict[str, Any] = row.content.reveal() if row is not None else {}
    missing = [name for name in names if name not in found]
    if missing:
        raise SecretsGoneError(
            f"The secret params {', '.join(missing)} of the run are not kept any more. Rerun it and type them in."
        )
    return found
