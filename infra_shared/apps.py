"""Django's entry point of the shared layer."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InfraSharedConfig(AppConfig):
    """Registers the shared models and checks the encryption keys before anything is served."""

    name = "infra_shared"
    label = "infra_shared"
    verbose_name = "Shared infrastructure"
    key_places = ("infra_shared.services.key_rotation.SecondFactors",)

    def ready(self) -> None:
        """Register the system checks, and what each app measures in its module `metrics`."""
        from infra_shared import checks  # noqa: F401, PLC0415 - registering is the import's purpose
        from infra_shared.sign_in import receivers  # noqa: F401, PLC0415 - the same

        autodiscover_modules("metrics")
