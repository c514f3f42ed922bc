"""Housekeeping of `automations` that goes on by itself."""

from __future__ import annotations

from infra_shared.chores import Chore

CHORES = (
    Chore(
        name="forget-unused-files",
        path="automations.services.files.forget_unused",
        every_minutes=60,
    ),
    Chore(
        name="forget-credential-uses",
        path="automations.services.credential_use.forget_old_uses",
        every_minutes=60,
    ),
    Chore(
        name="forget-spent-codes",
        path="automations.services.one_time_codes.forget_spent_codes",
        every_minutes=60,
    ),
)
