"""Why a back-up cannot be made, used or restored; every message says what to do."""

from __future__ import annotations


class BackupError(Exception):
    """Base of everything that back-ups raise on purpose."""


class DamagedBackupError(BackupError):
    """The back-up is not what its manifest says."""


class RestoreRefusedError(BackupError):
    """Restoring was refused before anything was written."""
