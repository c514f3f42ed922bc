"""The environment the local system runs in: `.env` where a person wrote one, else a generated `var/local.env`."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import environ

from config.env import BASE_DIR

GENERATED = BASE_DIR / "var" / "local.env"


def load_environment() -> None:
    """Put this machine's settings into the environment, for this process and its children; what is set there stays."""
    chosen = environment_file()
    os.environ["ENV_FILE"] = str(chosen)
    environ.FileAwareEnv.read_env(chosen)


def environment_file() -> Path:
    """Return the file with this machine's settings; on the first call it is written, readable by its owner alone."""
    named = os.environ.get("ENV_FILE", "")
    for written in (Path(named), BASE_DIR / ".env") if named else (BASE_DIR / ".env",):
        if written.is_file():
            return written
    if not GENERATED.exists():
        GENERATED.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(GENERATED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(
                "# Made by `make run` for this machine. Without these keys its credentials cannot be read.\n"
            )
            file.writelines(f"{name}={value}\n" for name, value in {**new_keys(), "DEBUG": "true"}.items())
    return GENERATED


def new_keys() -> dict[str, str]:
    """Return fresh values for the settings that have no default."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
