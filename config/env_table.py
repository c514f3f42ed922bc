"""Every setting of the environment: one row each, from which `.env.example` and docs/settings.md are written too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config import env_rules as rules

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = object()
_HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment.

    `kind` is str, bool, int, list or path; `complaint` says what is wrong with a value that was set, "" for nothing.
    """

    name: str
    kind: str
    default: Any
    purpose: str
    complaint: Callable[[Any], str] = rules.anything


# longer than 400 lines: one table, a row for each setting, in the order people read them in .env.example.
SETTINGS = (
    Setting(
        "DEBUG",
        "bool",
        False,
        "Development mode: readable logs, detailed error pages, code reload. Never in production.",
    ),
    Setting(
        "SECRET_KEY",
        "str",
        REQUIRED,
        "Signs cookies and tickets; 50 or more random characters. Changing it drops queued tickets.",
    ),
    Setting(
        "SECRET_KEY_FALLBACKS",
        "list",
        [],
        "Former values of SECRET_KEY, separated by commas: sessions signed with them go on until they end.",
    ),
    Setting(
        "FIELD_ENCRYPTION_KEYS",
        "list",
        REQUIRED,
        "Fernet keys for credentials at rest, newest first, separated by commas.",
        rules.fernet_keys,
    ),
    Setting(
        "CREDENTIAL_ENV_PREFIXES",
        "list",
        ["CREDENTIAL_"],
        "How variables begin that credentials may be kept in (`env:CREDENTIAL_SHOP`); empty for none.",
        rules.variable_prefixes,
    ),
    Setting("ALLOWED_HOSTS", "list", ["127.0.0.1", "localhost"], "Host names this server answers to."),
    Setting(
        "CSRF_TRUSTED_ORIGINS",
        "list",
        [],
        "Origins (scheme and host) of the console behind a proxy.",
        rules.origins,
    ),
    Setting(
        "BEHIND_TLS_PROXY",
        "bool",
        False,
        "A proxy in front ends TLS and sets X-Forwarded-Proto: secure cookies, HSTS and redirect on.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "int",
        0,
        "How many proxies stand in front; the caller's address is read that many hops from the right of X-Forwarded-For.",
        rules.at_least(0),
    ),
    Setting(
        "DATA_DIR",
        "path",
        _HERE / "var",
        "Folder for the embedded database, artifacts and run-time files.",
    ),
    Setting("DATABASE_URL", "str", "", "postgres://user:password@host/name; empty: SQLite in DATA_DIR."),
    Setting(
        "DATABASE_POOL_MAX",
        "int",
        10,
        "Largest number of pooled PostgreSQL connections of the web process.",
        rules.at_least(1),
    ),
    Setting(
        "TIME_ZONE", "str", "UTC", "Default time zone of schedules and screens (IANA name).", rules.time_zone
    ),
    Setting("LOG_LEVEL", "str", "INFO", "Least severe level that is logged.", rules.log_level),
    Setting("LOG_JSON", "bool", None, "JSON log lines; default: on, off in development."),
    Setting("REVIEW_UI", "bool", True, "Mount the console. It also needs templates/review/ on disk."),
    Setting(
        "OPERATORS_NEED_SECOND_FACTOR",
        "bool",
        None,
        "Operators set up and bring a second factor (TOTP) to see anything; default: on, off in development.",
    ),
    Setting(
        "SIGN_IN_FAILURES",
        "int",
        5,
        "Failed sign-ins as one operator from one address that lock the name for that address.",
        rules.at_least(1),
    ),
    Setting("SIGN_IN_LOCKED_SECONDS", "int", 900, "How long such a lock lasts.", rules.at_least(1)),
    Setting(
        "SIGN_IN_FAILURES_PER_MINUTE",
        "int",
        30,
        "Failed sign-ins a minute one address may make, whatever the names.",
        rules.at_least(1),
    ),
    Setting("SESSION_IDLE_SECONDS", "int", 7200, "Longest an operator may do nothing.", rules.at_least(60)),
    Setting("SESSION_MAX_SECONDS", "int", 43200, "Longest an operator is signed in.", rules.at_least(60)),
    Setting(
        "API_KEY_PREFIX",
        "str",
        "ao",
        "First part of every API key, so that secret scanners recognise it.",
        rules.key_prefix,
    ),
    Setting(
        "REQUEST_DEADLINE_SECONDS",
        "int",
        30,
        "How long a request may go without an answer, such as while the database hangs; then it is answered 503.",
        rules.at_least(1),
    ),
    Setting("API_RATE_PER_MINUTE", "int", 600, "Requests a minute one API key may make.", rules.at_least(1)),
    Setting(
        "API_FAILURES_PER_MINUTE",
        "int",
        30,
        "Failed key checks a minute one address may make.",
        rules.at_least(1),
    ),
    Setting(
        "AUTOMATION_MODULES",
        "list",
        [],
        "Python packages with further automations, beside automations.library.",
    ),
    Setting("BROWSER_EXECUTABLE", "str", "", "Chromium to use; empty: look for one."),
    Setting(
        "BROWSER_ALLOW_PRIVATE",
        "list",
        [],
        "host:port entries of private or loopback addresses a browser may open.",
        rules.hosts_and_ports,
    ),
    Setting(
        "BROWSER_SHARED",
        "bool",
        True,
        "All worker processes of a node share one browser, each attempt in a context of its own; off: a browser each.",
    ),
    Setting(
        "BROWSER_MAX_ATTEMPTS",
        "int",
        50,
        "Attempts after which a browser is replaced; those under way end on the old one.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_AGE_SECONDS",
        "int",
        3600,
        "Age after which a browser is replaced; those under way end on the old one.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_MEMORY_MB",
        "int",
        1500,
        "Memory of a browser's processes, for each attempt at work in it, after which it is replaced.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_PAGE_MEMORY_MB",
        "int",
        1024,
        "Memory of one page's process, at which it is ended; other pages of its browser go on.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_TRAFFIC_MB",
        "int",
        512,
        "Most an attempt's browser may receive.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_DOWNLOAD_MB",
        "int",
        64,
        "Longest file a page may let it download; a longer one is broken off while it comes.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_WINDOWS",
        "int",
        20,
        "Most windows an attempt and its pages may open.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_DIALOGS",
        "int",
        100,
        "Most dialogs the pages of an attempt may show.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_REDIRECTS",
        "int",
        50,
        "Most pages a site may lead through by itself in half a minute of one step.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_HTML_MB",
        "int",
        5,
        "What is kept of one document; the rest is cut, with a note.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_LOG_LINES",
        "int",
        10000,
        "Lines kept of an attempt's console, and as many of its requests; the oldest go.",
        rules.at_least(1),
    ),
    Setting(
        "VISION_PROVIDERS",
        "list",
        ["ocr"],
        "Who looks at pictures of pages where nothing else finds a target, in this order: ocr (on this machine), gemini "
        "(pictures go to Google, secrets blacked out). Both need requirements-vision.txt; empty: nobody.",
        rules.providers_of_sight,
    ),
    Setting(
        "VISION_MODEL_TOKENS",
        "int",
        20000,
        "Most model tokens an attempt may spend on sight, whatever its automation says.",
        rules.at_least(0),
    ),
    Setting("GEMINI_API_KEY", "str", "", "Key of the Gemini API, for VISION_PROVIDERS with gemini."),
    Setting("GEMINI_MODEL", "str", "gemini-2.5-flash", "Model that looks at pictures."),
    Setting(
        "GEMINI_BASE_URL",
        "str",
        "",
        "Address of a service that speaks the Gemini API; empty: Google's own.",
        rules.empty_or_web_address,
    ),
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
        "For how long; an operator may release the lock sooner.",
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
    Setting(
        "ARTIFACTS_S3_BUCKET",
        "str",
        "",
        "Bucket for artifact bytes; empty: files in DATA_DIR.",
        rules.empty_or_bucket,
    ),
    Setting(
        "ARTIFACTS_S3_PREFIX", "str", "", "How the names of artifacts begin in the bucket, such as evidence/."
    ),
    Setting(
        "ARTIFACTS_S3_ENDPOINT_URL",
        "str",
        "",
        "Endpoint of an S3-compatible store; empty: AWS.",
        rules.empty_or_web_address,
    ),
    Setting("ARTIFACTS_S3_REGION", "str", "", "Region of the bucket.", rules.empty_or_region),
    Setting("ARTIFACTS_S3_ACCESS_KEY", "str", "", "Access key; empty: the machine's role."),
    Setting("ARTIFACTS_S3_SECRET_KEY", "str", "", "Secret key belonging to ARTIFACTS_S3_ACCESS_KEY."),
    Setting(
        "ARTIFACTS_S3_ADDRESSING",
        "str",
        "auto",
        "Where the bucket stands in an address: auto, path, or virtual (in the host's name).",
        rules.one_of("auto", "path", "virtual"),
    ),
    Setting(
        "ARTIFACTS_S3_CONNECT_SECONDS",
        "int",
        5,
        "How long to wait for a connection to the store.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_READ_SECONDS",
        "int",
        20,
        "How long to wait for each piece of an answer of the store.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_TRIES",
        "int",
        3,
        "How often a request to the store is made before it counts as failed.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_CA_FILE",
        "path",
        None,
        "File with the certificates to trust for the store; empty: those every program trusts.",
        rules.empty_or_file,
    ),
    Setting(
        "ARTIFACTS_S3_ENCRYPTION",
        "str",
        "",
        "How the store is to encrypt objects: AES256, aws:kms, or empty for the bucket's own way.",
        rules.one_of("", "AES256", "aws:kms"),
    ),
    Setting("ARTIFACTS_S3_KMS_KEY", "str", "", "The key for aws:kms; empty: the account's own."),
    Setting(
        "ARTIFACTS_SPOOL_DIR",
        "path",
        None,
        "Folder on this machine in which artifacts wait while their store is away; empty: `spool` in DATA_DIR.",
    ),
    Setting(
        "ARTIFACTS_SPOOL_BYTES",
        "int",
        2_000_000_000,
        "Most bytes that may wait there; beyond it artifacts are recorded as missing. 0: nothing waits.",
        rules.at_least(0),
    ),
    Setting(
        "ARTIFACTS_SPOOL_LOST_HOURS",
        "int",
        24,
        "What waits on a node that is silent for so long is recorded as missing.",
        rules.at_least(1),
    ),
    Setting(
        "EMAIL_URL",
        "str",
        "consolemail://",
        "smtp+tls://user:password@host:587 and the like; default: mails are printed to the log.",
    ),
    Setting("EMAIL_FROM", "str", "automation@localhost", "Sender of e-mails."),
    Setting(
        "ALERT_EMAILS",
        "list",
        [],
        "Who is mailed every alert, beside the channels made in the console.",
    ),
    Setting(
        "MAIL_BURST",
        "int",
        10,
        "Alerts a recipient gets one by one within ten minutes; what comes beyond that is one digest.",
        rules.at_least(1),
    ),
    Setting(
        "MAIL_PICTURES",
        "bool",
        True,
        "Whether mails about a run show a small redacted picture of the step it ended in.",
    ),
    Setting(
        "ALERT_ALLOW_PRIVATE",
        "list",
        [],
        "host:port entries of private or loopback addresses, or without TLS, that alerts may be posted to.",
        rules.hosts_and_ports,
    ),
    Setting(
        "ALERT_FAILURES_IN_A_ROW",
        "int",
        3,
        "After so many failures in a row of an automation for a customer there is an alert.",
        rules.at_least(2),
    ),
    Setting(
        "ALERT_LATE_SECONDS",
        "int",
        120,
        "How late a schedule may fire before there is an alert.",
        rules.at_least(1),
    ),
    Setting(
        "ALERT_QUEUE_SECONDS",
        "int",
        600,
        "How long a run that could start may wait for a worker before there is an alert about its queue.",
        rules.at_least(1),
    ),
    Setting(
        "EDGE_KEYS",
        "list",
        [],
        "Keys the edge Worker signs its batches with, as key-id:secret (64 hexadecimal digits), newest first; empty: no "
        "webhooks are taken.",
        rules.edge_keys,
    ),
    Setting(
        "EDGE_CONTROL_KEYS",
        "list",
        [],
        "Keys this server signs its orders to the edge Worker with, in the same form; other ones than EDGE_KEYS.",
        rules.edge_keys,
    ),
    Setting(
        "EDGE_WORKER_URL",
        "str",
        "",
        "Address of the edge Worker, which senders post to and `edge sync` speaks to; empty: there is none.",
        rules.empty_or_web_address,
    ),
    Setting(
        "PUBLIC_URL",
        "str",
        "http://127.0.0.1:8000",
        "Address of the console, used in links of mails.",
        rules.web_address,
    ),
)
