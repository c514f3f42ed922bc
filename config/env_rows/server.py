"""Settings of the server itself: secrets, addresses, database, logs, operators and the API."""

from __future__ import annotations

from pathlib import Path

from config import env_rules as rules
from config.env_setting import REQUIRED, Setting

_HERE = Path(__file__).resolve().parent.parent.parent

ROWS = (
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
)
