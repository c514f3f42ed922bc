"""The tables of what may run, and when."""

from __future__ import annotations

from automations.models.automation import (
    Automation,
    AutomationKind,
    AutomationQuerySet,
    AutomationVersion,
)
from automations.models.credential import Credential, CredentialKind, CredentialUse, SpentCode
from automations.models.customer import DEFAULT_CUSTOMER, Customer
from automations.models.healing import HealProposal, HealProposalQuerySet, HealState, TargetFingerprint
from automations.models.schedule import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_MISFIRE_LIMIT,
    HIGHEST_PRIORITY,
    LOWEST_PRIORITY,
    Misfire,
    Overlap,
    Schedule,
    ScheduleKind,
    ScheduleQuerySet,
)
from automations.models.uploaded_file import UploadedFile

__all__ = [
    "DEFAULT_CUSTOMER",
    "DEFAULT_GRACE_SECONDS",
    "DEFAULT_MISFIRE_LIMIT",
    "HIGHEST_PRIORITY",
    "LOWEST_PRIORITY",
    "Automation",
    "AutomationKind",
    "AutomationQuerySet",
    "AutomationVersion",
    "Credential",
    "CredentialKind",
    "CredentialUse",
    "Customer",
    "HealProposal",
    "HealProposalQuerySet",
    "HealState",
    "Misfire",
    "Overlap",
    "Schedule",
    "ScheduleKind",
    "ScheduleQuerySet",
    "SpentCode",
    "TargetFingerprint",
    "UploadedFile",
]
