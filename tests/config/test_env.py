"""What a wrong setting leads to: one line that names the variable, before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.artifact_storage import artifact_storage
from config.env import BASE_DIR
from config.env_setting import REQUIRED, Setting
from config.env_table import SETTINGS
from config.local.environment import new_keys, without_settings

PASSWORD = "p4ss/word"
_BY_NAME = {row.name: row for row in SETTINGS}


def load(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**without_settings(), **new_keys(), "ENV_FILE": "", **variables}
    program = (
        "from config import settings; print(settings.DATABASES['default'].get('NAME'), settings.SECRET_KEY)"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("FIELD_ENCRYPTION_KEYS", "short"),
        ("DEBUG", "maybe"),
        ("WORKER_PROCESSES", "two"),
        ("WORKER_PROCESSES", "0"),
        ("LEASE_SECONDS", "-5"),
        ("WORKER_QUEUES", "chores"),
        ("TIME_ZONE", "Mars/Base"),
        ("LOG_LEVEL", "chatty"),
        ("BROWSER_ALLOW_PRIVATE", "localhost"),
        ("CSRF_TRUSTED_ORIGINS", "example.com"),
        ("PUBLIC_URL", "example.com"),
        ("VISION_PROVIDERS", "ocr,eyes"),
        ("GEMINI_BASE_URL", "example.com"),
        ("DATA_DIR", "/dev/null/data"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", f"postgres://user:{PASSWORD}@host/name"),
        ("EMAIL_URL", f"smtp://user:{PASSWORD}@host"),
        ("ENV_FILE", "/dev/null/file"),
        ("ARTIFACTS_S3_ENDPOINT_URL", "store.example"),
    ],
)
def test_a_malformed_setting_stops_with_one_line_that_names_it(name: str, value: str, tmp_path: Path) -> None:
    done = load(**{"DATA_DIR": str(tmp_path), name: value})

    assert done.returncode == 1
    assert done.stderr.startswith(f"Configuration: {name} ")
    assert done.stderr.count("\n") == 1
    assert PASSWORD.partition("/")[0] not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARTIFACTS_S3_BUCKET", "Evidence_Of_Runs"),
        ("ARTIFACTS_S3_REGION", "Frankfurt am Main"),
        ("ARTIFACTS_S3_ADDRESSING", "by-host"),
        ("ARTIFACTS_S3_CONNECT_SECONDS", 0),
        ("ARTIFACTS_S3_READ_SECONDS", 0),
        ("ARTIFACTS_S3_TRIES", 0),
        ("ARTIFACTS_S3_CA_FILE", Path("/dev/null/ca.pem")),
        ("ARTIFACTS_S3_ENCRYPTION", "rot13"),
        ("ARTIFACTS_SPOOL_BYTES", -1),
        ("ARTIFACTS_SPOOL_LOST_HOURS", 0),
    ],
)
def test_a_setting_of_the_store_of_files_that_cannot_be_is_refused(name: str, value: Any) -> None:
    assert _BY_NAME[name].complaint(value).startswith("must ")


@pytest.mark.parametrize(
    "clash",
    [
        {"ARTIFACTS_S3_ACCESS_KEY": "key"},
        {"ARTIFACTS_S3_SECRET_KEY": PASSWORD},
        {"ARTIFACTS_S3_KMS_KEY": "key", "ARTIFACTS_S3_ENCRYPTION": "AES256"},
    ],
)
def test_settings_of_the_bucket_that_clash_stop_with_one_line(clash: dict[str, str]) -> None:
    given = {"ARTIFACTS_S3_BUCKET": "evidence"} | clash

    with pytest.raises(SystemExit, match=f"^Configuration: .*{next(iter(clash))}") as stopped:
        artifact_storage(lambda name: given.get(name, _BY_NAME[name].default), folder=Path("artifacts"))

    assert PASSWORD not in str(stopped.value)


def test_the_settings_of_the_bucket_reach_the_client(tmp_path: Path) -> None:
    given = {
        "ARTIFACTS_S3_BUCKET": "evidence",
        "ARTIFACTS_S3_CONNECT_SECONDS": 7,
        "ARTIFACTS_S3_READ_SECONDS": 9,
        "ARTIFACTS_S3_TRIES": 2,
        "ARTIFACTS_S3_ADDRESSING": "virtual",
        "ARTIFACTS_S3_CA_FILE": tmp_path / "ca.pem",
        "ARTIFACTS_S3_ENCRYPTION": "AES256",
    }

    made = artifact_storage(lambda name: given.get(name, _BY_NAME[name].default), folder=tmp_path)
    options, client = made["OPTIONS"], made["OPTIONS"]["client_config"]

    assert (client.connect_timeout, client.read_timeout) == (7, 9)
    assert client.retries["total_max_attempts"] == 2
    assert client.s3["addressing_style"] == "virtual"
    assert options["verify"] == str(tmp_path / "ca.pem")
    assert options["object_parameters"] == {"ServerSideEncryption": "AES256"}


def test_a_value_from_a_file_loses_the_end_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgres://user:word@host/orders\n")
    (tmp_path / "key").write_text("$begins like a reference\n")
    files = {"DATABASE_URL_FILE": tmp_path / "url", "SECRET_KEY_FILE": tmp_path / "key"}

    done = load(DATA_DIR=str(tmp_path), **{name: str(path) for name, path in files.items()})

    assert done.stdout == "orders $begins like a reference\n", done.stderr


def test_a_line_of_the_file_that_says_nothing_stops_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"# keys\n\nDEBUG=true\nSECRET_KEY: {PASSWORD}\n")

    done = load(DATA_DIR=str(tmp_path), ENV_FILE=str(file))

    assert done.returncode == 1
    assert done.stderr.startswith(f"Configuration: ENV_FILE {file}, line 4 ")
    assert PASSWORD.partition("/")[0] not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "row", [row for row in SETTINGS if row.default is not REQUIRED], ids=lambda row: row.name
)
def test_every_default_keeps_its_own_rule(row: Setting) -> None:
    assert row.complaint(row.default) == ""
