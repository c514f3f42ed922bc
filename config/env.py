"""The environment, read in one place.

Every setting is one row of `SETTINGS`: name, how it is read, default, and what it is for (docs/settings.md is made
from these rows). A value may come from the variable itself, from a file named by `<NAME>_FILE`, or from the file
named by `ENV_FILE` (default: `.env` beside manage.py, else what `make run` wrote for this machine). A missing or
malformed value ends the process with one line that names the variable.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import environ

from config import env_rules as rules

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_DIR = Path(__file__).resolve().parent.parent
GENERATED_FILE = BASE_DIR / "var" / "local.env"
"""Written by `make run` on a machine nobody configured, so that commands in another terminal meet the same system."""
REQUIRED = object()
_ASSIGNMENT = re.compile(r"(?:export )?[A-Za-z_0-9]+=")
"""What django-environ reads; other lines it would only log, with their text."""


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
        "FIELD_ENCRYPTION_KEYS",
        "list",
        REQUIRED,
        "Fernet keys for credentials at rest, newest first, separated by commas.",
        rules.fernet_keys,
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
        BASE_DIR / "var",
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
        "BROWSER_MAX_ATTEMPTS",
        "int",
        50,
        "Attempts after which a worker process replaces its browser.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_AGE_SECONDS",
        "int",
        3600,
        "Age after which a worker process replaces its browser.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_MEMORY_MB",
        "int",
        1500,
        "Memory of the browser's processes after which it is replaced.",
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
    Setting("ARTIFACTS_S3_BUCKET", "str", "", "Bucket for artifact bytes; empty: files in DATA_DIR."),
    Setting("ARTIFACTS_S3_ENDPOINT_URL", "str", "", "Endpoint of an S3-compatible store; empty: AWS."),
    Setting("ARTIFACTS_S3_REGION", "str", "", "Region of the bucket."),
    Setting("ARTIFACTS_S3_ACCESS_KEY", "str", "", "Access key; empty: the instance's role."),
    Setting("ARTIFACTS_S3_SECRET_KEY", "str", "", "Secret key belonging to ARTIFACTS_S3_ACCESS_KEY."),
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
        "PUBLIC_URL",
        "str",
        "http://127.0.0.1:8000",
        "Address of the console, used in links of mails.",
        rules.web_address,
    ),
)
_BY_NAME = {row.name: row for row in SETTINGS}


def _stop(line: str) -> NoReturn:
    raise SystemExit(f"Configuration: {line}")


def _load_file() -> None:
    """Put what the environment file says into the environment, where it is not set already."""
    file = environment_file()
    if file.is_file():
        environ.Env.read_env(StringIO(_readable(file)))
    elif os.environ.get("ENV_FILE"):
        _stop(f"ENV_FILE names {file}, and there is no such file. Mend the path, or unset it.")


def _readable(file: Path) -> str:
    """The text of an environment file; stops at a line that says nothing, which may be half a secret: none is shown."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _stop(f"ENV_FILE {file} cannot be read ({type(error).__name__}). Mend it, or unset ENV_FILE.")
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line.startswith("#") and not _ASSIGNMENT.match(line):
            _stop(
                f"ENV_FILE {file}, line {number} is no NAME=value: a value stands on one line, a comment begins with #."
            )
    return text


def environment_file() -> Path:
    """The file to read; where the environment itself brings the keys, somebody configured this machine another way."""
    if "ENV_FILE" in os.environ:
        return Path(os.environ["ENV_FILE"])
    written = BASE_DIR / ".env"
    configured = {"SECRET_KEY", "SECRET_KEY_FILE"} & os.environ.keys()
    return written if written.is_file() or configured else GENERATED_FILE


_load_file()


def read(name: str) -> Any:
    """The value of one setting, converted; ends the process with one clear line when it is missing or malformed."""
    row = _BY_NAME[name]
    value = _written(row)
    if value is None:
        if row.default is REQUIRED:
            _stop(f"{name} is not set. {row.purpose} See .env.example.")
        return row.default
    converted = _converted(row, value)
    if row.default is REQUIRED and not converted:
        _stop(f"{name} is empty. {row.purpose} See .env.example.")
    complaint = row.complaint(converted)
    if complaint:
        _stop(f"{name} {complaint} {row.purpose}")
    return converted


def _written(row: Setting) -> str | None:
    """The text a setting was given, without the line's end a mounted file brings; None when it was given none.

    Read as it stands: django-environ would take a value beginning with "$" for the name of another variable.
    """
    file = os.environ.get(f"{row.name}_FILE")
    try:
        text = Path(file).read_text(encoding="utf-8") if file else os.environ.get(row.name)
    except (OSError, UnicodeDecodeError) as error:
        _stop(f"{row.name}_FILE cannot be read ({error}). {row.purpose}")
    return None if text is None else text.strip()


def _converted(row: Setting, text: str) -> Any:
    if row.kind == "list":
        return [item.strip() for item in text.split(",") if item.strip()]
    if not text and row.default is not REQUIRED:
        return row.default  # `NAME=` in an environment file stands for the default
    if row.kind == "bool":
        if text.lower() not in rules.BOOLEANS:
            _stop(f"{row.name} must be true or false, not {text!r}. {row.purpose}")
        return rules.BOOLEANS[text.lower()]
    if row.kind == "int":
        try:
            return int(text)
        except ValueError:
            _stop(f"{row.name} must be a whole number, not {text!r}. {row.purpose}")
    if row.kind == "path":
        return Path(text)
    return text


def data_folder() -> Path:
    """DATA_DIR, made where it is not there yet."""
    folder: Path = read("DATA_DIR")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _stop(f"DATA_DIR cannot be made ({error}). {_BY_NAME['DATA_DIR'].purpose}")
    return folder


def database(sqlite_path: Path) -> dict[str, Any]:
    """Django's entry for DATABASES["default"]: DATABASE_URL where set, else the embedded SQLite file."""
    url = read("DATABASE_URL")
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(sqlite_path)}
    if not url.startswith(("postgres://", "postgresql://")):
        _stop("DATABASE_URL must begin with postgres://; leave it empty for the embedded SQLite database.")
    try:
        return dict(environ.Env.db_url_config(url))
    except ValueError:  # its text may hold a part of the password
        _stop(
            "DATABASE_URL cannot be read. Write postgres://user:password@host:port/name, special characters "
            "of the password percent-encoded."
        )


def email(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings out of one URL."""
    try:
        return dict(environ.Env.email_url_config(url))
    except (ValueError, KeyError, environ.ImproperlyConfigured):  # its text may hold a part of the password
        _stop("EMAIL_URL cannot be read. Write it like smtp+tls://user:password@mail.example:587")


def process_role() -> str:
    """What this process is: "web" once `declare_web_process` was called, else ""."""
    return os.environ.get("AO_PROCESS_ROLE", "")


def declare_web_process() -> None:
    """Say, before settings are loaded, that this process serves ASGI requests and never forks workers."""
    os.environ["AO_PROCESS_ROLE"] = "web"
