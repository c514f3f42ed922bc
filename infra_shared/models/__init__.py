"""The shared tables: blobs, spools, callers, operators' reach, audit log, deletions, alerts, outbox, limits, signed-in sessions.

Customers, automations and runs appear in them as opaque strings. Only `services` and the packages above write them.
"""

from infra_shared.models.alert import Alert, AlertChannel, AlertQuerySet, Severity
from infra_shared.models.audit import AuditLine, AuditLineQuerySet
from infra_shared.models.blob import Blob, BlobFinding, BlobQuerySet
from infra_shared.models.caller import ALL, ApiKey, ApiKeyQuerySet, Caller
from infra_shared.models.deletion import Deletion, DeletionQuerySet
from infra_shared.models.operator_reach import OperatorReach
from infra_shared.models.outbox import OutboxMessage, OutboxQuerySet
from infra_shared.models.rate_window import RateWindow
from infra_shared.models.saved_filter import SavedFilter
from infra_shared.models.signed_in_session import SignedInSession, SignedInSessionQuerySet
from infra_shared.models.spent_factor_code import SpentFactorCode
from infra_shared.models.spool import Spool, SpoolQuerySet

__all__ = [
    "ALL",
    "Alert",
    "AlertChannel",
    "AlertQuerySet",
    "ApiKey",
    "ApiKeyQuerySet",
    "AuditLine",
    "AuditLineQuerySet",
    "Blob",
    "BlobFinding",
    "BlobQuerySet",
    "Caller",
    "Deletion",
    "DeletionQuerySet",
    "OperatorReach",
    "OutboxMessage",
    "OutboxQuerySet",
    "RateWindow",
    "SavedFilter",
    "Severity",
    "SignedInSession",
    "SignedInSessionQuerySet",
    "SpentFactorCode",
    "Spool",
    "SpoolQuerySet",
]
