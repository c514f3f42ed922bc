"""The environment, read in one place.

Every setting is one row of `config.env_table`: name, how it is read, default, and what it is for. A value may come from the variable itself, from a file named by `<NAME>_FILE`, or from the file
named by `ENV_FILE` (default: `.env` beside manage.py, else what `make run` wrote for this machine). A missing or
malformed value ends the process with one line that names the variable.
"""

from __future__ import annotations

import os
import re
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

import environ

from config import env_rules as rules
from config.env_setting import REQUIRED, Setting
from config.env_table import SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
GENERATED_FILE = BASE_DIR / "var" / "local.env"
"""Written by `make run` on a machine nobody configured, so that commands in another terminal meet the same system."""
_ASSIGNMENT = re.compile(r"(?:export )?[A-Za-z_0-9]+=")
"""What django-environ reads; other lines it would only log, with their text."""


_LED_BY = "Configuration: "
_BY_NAME = {row.name: row for row in SETTINGS}


def _stop(line: str) -> NoReturn:
    raise SystemExit(f"{_LED_BY}{line}")


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


def complaints() -> list[str]:
    """One line for each setting that is missing or malformed, where `read` would end the process at the first."""
    found = []
    for row in SETTINGS:
        try:
            read(row.name)
        except SystemExit as stopped:
            found.append(without_lead(str(stopped)))
    return found


def without_lead(line: str) -> str:
    """What a line that ended the process says, without the word it begins with."""
    return line.removeprefix(_LED_BY)


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
