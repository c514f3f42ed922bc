"""The environment the local system runs in: `.env` where a person wrote one, else a generated `var/local.env`."""

from __future__ import annotations

import base64
import os
import secrets
from typing import TYPE_CHECKING

import environ

from config.env import BASE_DIR
from config.env import GENERATED_FILE as GENERATED
from config.env_table import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path


def load_environment() -> None:
    """Put this machine's settings into the environment, for this process and its children; what is set there stays.

    Where ENV_FILE is set, also to nothing, somebody else has chosen, and `config.env` has read it.
    """
    variables = os.environ
    if "ENV_FILE" not in variables:
        variables["ENV_FILE"] = str(environment_file())
        environ.FileAwareEnv.read_env(variables["ENV_FILE"])


def environment_file() -> Path:
    """Return the file with this machine's settings; on the first call it is written, readable by its owner alone."""
    written = BASE_DIR / ".env"
    if written.is_file():
        return written
    if GENERATED.exists():
        _complete()
    else:
        GENERATED.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(GENERATED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(
                "# Made by `make run` for this machine. Without these keys its credentials cannot be read.\n"
            )
            file.writelines(f"{name}={value}\n" for name, value in {**new_keys(), "DEBUG": "true"}.items())
    return GENERATED


def _complete() -> None:
    """Add keys that the file lacks because it was made before there were such settings."""
    known = {line.partition("=")[0] for line in GENERATED.read_text(encoding="utf-8").splitlines()}
    missing = {name: value for name, value in new_keys().items() if name not in known}
    if missing:
        with GENERATED.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in missing.items())


def without_settings() -> dict[str, str]:
    """Return the inherited environment without any setting of this project but the browser's path."""
    names = {row.name for row in SETTINGS} - {"BROWSER_EXECUTABLE"}
    dropped = names | {f"{name}_FILE" for name in names}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def new_keys() -> dict[str, str]:
    """Return fresh values for the settings that hold keys of this machine alone."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "EDGE_KEYS": f"local:{secrets.token_hex(32)}",
        "EDGE_CONTROL_KEYS": f"local:{secrets.token_hex(32)}",
    }
