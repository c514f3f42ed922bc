"""The settings a machine gets on its first run."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from config import env
from config.local import env_example, environment
from config.local.environment import environment_file, new_keys, without_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "BASE_DIR", tmp_path)
    monkeypatch.setattr(environment, "GENERATED", tmp_path / "var" / "local.env")
    return tmp_path


def test_generated_settings_are_kept_and_readable_by_their_owner_alone(checkout: Path) -> None:
    first = environment_file()
    written = first.read_text()

    assert environment_file().read_text() == written
    assert first == checkout / "var" / "local.env"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_settings_made_before_there_were_such_keys_are_completed(checkout: Path) -> None:
    first = environment_file()
    kept = [line for line in first.read_text().splitlines() if not line.startswith("EDGE_")]
    first.write_text("\n".join(kept) + "\n")

    completed = environment_file().read_text().splitlines()

    assert completed[: len(kept)] == kept
    assert [line.partition("=")[0] for line in completed[len(kept) :]] == ["EDGE_KEYS", "EDGE_CONTROL_KEYS"]


def test_settings_a_person_wrote_come_first(checkout: Path) -> None:
    (checkout / ".env").write_text("SECRET_KEY=mine\n")

    assert environment_file() == checkout / ".env"
    assert not (checkout / "var").exists()


def test_a_command_in_another_terminal_meets_what_make_run_wrote(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated = environment_file()
    monkeypatch.setattr(env, "BASE_DIR", checkout)
    monkeypatch.setattr(env, "GENERATED_FILE", generated)
    for name in ("ENV_FILE", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert env.environment_file() == generated
    monkeypatch.setenv("SECRET_KEY", "brought by the environment")
    assert env.environment_file() == checkout / ".env"


def test_a_throwaway_system_inherits_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTIFACTS_S3_BUCKET", "precious")
    monkeypatch.setenv("SECRET_KEY_FILE", "precious")
    monkeypatch.setenv("BROWSER_EXECUTABLE", "chosen")

    inherited = without_settings()

    assert inherited["BROWSER_EXECUTABLE"] == "chosen"
    assert "precious" not in inherited.values()


def test_generated_keys_encrypt() -> None:
    assert Fernet(new_keys()["FIELD_ENCRYPTION_KEYS"]).encrypt(b"secret")


def test_the_example_names_every_setting_as_it_is_described() -> None:
    assert env_example.PATH.read_text() == env_example.render(), "Run `python -m config.local.env_example`."
