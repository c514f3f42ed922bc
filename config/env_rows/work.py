"""Settings of the work itself: queues, leases, times, and how long things are kept."""

from __future__ import annotations

from config import env_rules as rules
from config.env_setting import Setting

ROWS = (
    Setting("WORKER_QUEUES", "list", ["default"], "Run queues this node serves.", rules.queues),
    Setting(
        "WORKER_PROCESSES", "int", 2, "Worker processes for each run queue of this node.", rules.at_least(1)
    ),
    Setting("CHORES_PROCESSES", "int", 2, "Worker processes of the chores cluster.", rules.at_least(1)),
    Setting(
        "LEASE_SECONDS",
        "int",
        20,
        "How long a worker process may be silent before its attempt counts as lost.",
        rules.at_least(1),
    ),
    Setting(
        "STOP_GRACE_SECONDS",
        "int",
        30,
        "How long an attempt told to stop may take to keep its evidence and close its browser; then it is ended by force.",
        rules.at_least(1),
    ),
    Setting(
        "CHECKPOINT_DAYS",
        "int",
        7,
        "How long a run that did not succeed can be rerun from a later stage; until then its encrypted cookies are kept.",
        rules.at_least(0),
    ),
    Setting(
        "SESSION_FAILED_LOGINS",
        "int",
        3,
        "After how many failed logins one after another no other one is tried for that account; an automation may say fewer.",
        rules.at_least(1),
    ),
    Setting(
        "SESSION_LOCKOUT_SECONDS",
        "int",
        3600,
        "For how long; twice as long after each further one, up to a day. An operator may release the lock sooner.",
        rules.at_least(1),
    ),
    Setting(
        "QUEUE_TIMEOUT_SECONDS",
        "int",
        86400,
        "How long a run may wait for a worker before it expires.",
        rules.at_least(1),
    ),
    Setting(
        "LONGEST_ATTEMPT_SECONDS",
        "int",
        3600,
        "Upper bound of an automation's deadline; the broker's retry time follows from it.",
        rules.at_least(1),
    ),
    Setting(
        "INPUT_FILE_MAX_MB", "int", 50, "Largest file that may be sent for a run's params.", rules.at_least(1)
    ),
    Setting(
        "INPUT_FILE_DAYS",
        "int",
        30,
        "Days after which a sent file that no request named is forgotten; runs keep theirs.",
        rules.at_least(1),
    ),
    Setting(
        "EVENT_DAYS",
        "int",
        90,
        "Days after which a webhook event that was routed, failed or ignored is removed; its counts stay.",
        rules.at_least(7),
    ),
    Setting(
        "AUDIT_DAYS",
        "int",
        1095,
        "Days an audit line and a line of the deletion ledger stay.",
        rules.at_least(30),
    ),
    Setting(
        "ORPHAN_GRACE_HOURS",
        "int",
        24,
        "How long stored bytes nothing refers to are left alone; longer than any upload, and than a back-up takes.",
        rules.at_least(1),
    ),
    Setting(
        "STORAGE_QUOTA_GB",
        "int",
        0,
        "Stored bytes a customer without a quota of its own may have before the oldest evidence goes early; 0: any number.",
        rules.at_least(0),
    ),
)
