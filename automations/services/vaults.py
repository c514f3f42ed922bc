"""The vaults of this installation, as its settings say."""

from __future__ import annotations

from django.conf import settings

from infra_shared.vaults import ENVIRONMENT, EnvironmentVault, Vaults


def vaults() -> Vaults:
    """Every vault that references may name. A further adapter is one more entry here."""
    return Vaults({ENVIRONMENT: EnvironmentVault(settings.CREDENTIAL_ENV_PREFIXES)})
