"""Writing the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from infra_shared.models import AuditLine
from infra_shared.scrubbing import scrub, scrub_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_REASON_LENGTH = 500


def record(  # noqa: PLR0913 - an audit line has that many parts
    *,
    actor: str,
    action: str,
    object_kind: str,
    object_id: object,
    reason: str = "",
    customer: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditLine:
    """One line of the audit log, part of the caller's transaction: it stands exactly when the action does.

    `actor` is "operator:anna", "caller:ci", "command" or "system"; `action` is noun and verb, "run.rerun". Reason
    and details (a JSON object) lose what looks like a secret.
    """
    return AuditLine.objects.create(
        at=timezone.now(),
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=str(object_id),
        customer=customer,
        reason=scrub_text(reason)[:_REASON_LENGTH],
        details=scrub(details or {}),
    )
