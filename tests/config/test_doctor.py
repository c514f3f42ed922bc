"""What `doctor` says of settings that start a server, and should not."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import override_settings

from config import doctor, env
from infra_shared.checkup import Level

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "DEBUG": False,
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "TRUSTED_PROXIES": 1,
    "ALLOWED_HOSTS": ["console.example"],
    "PUBLIC_URL": "https://console.example",
    "OPERATORS_NEED_SECOND_FACTOR": True,
    "SECRET_KEY": "fghjkl-QWERTZ-0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """The console's static files, as collectstatic copies them."""
    folder: Path = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder):
        call_command("collectstatic", interactive=False, verbosity=0)
    return folder


@pytest.fixture
def production(settings, collected, tmp_path, monkeypatch) -> None:
    """Settings as docs/deploy.md has them."""
    for name, value in GOOD.items():
        setattr(settings, name, value)
    settings.STATIC_ROOT = collected
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(env, "environment_file", lambda: tmp_path / "none.env")


def words() -> str:
    return " ".join(finding.words for finding in doctor.look() if finding.level is not Level.OK)


def test_settings_of_a_production_server_are_well(production) -> None:
    assert words() == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("SECURE_SSL_REDIRECT", False, "BEHIND_TLS_PROXY is off"),
        ("TRUSTED_PROXIES", 0, "TRUSTED_PROXIES is 0"),
        ("ALLOWED_HOSTS", ["*"], "every host name"),
        ("ALLOWED_HOSTS", ["localhost"], "this machine alone"),
        ("PUBLIC_URL", "http://127.0.0.1:8000", "links in mails"),
        ("PUBLIC_URL", "https://elsewhere.example", "links in mails"),
        ("OPERATORS_NEED_SECOND_FACTOR", False, "a password alone"),
        ("SECRET_KEY", "short", "SECRET_KEY"),
        ("FIELD_ENCRYPTION_KEYS", ["broken"], "FIELD_ENCRYPTION_KEYS"),
    ],
)
def test_a_setting_that_is_odd_is_named(production, settings, name, value, said) -> None:
    setattr(settings, name, value)

    assert said in words()


def test_keys_that_everybody_may_read_are_named(production, monkeypatch, tmp_path) -> None:
    file = tmp_path / "server.env"
    file.write_text("SECRET_KEY=x\n")
    file.chmod(0o644)
    monkeypatch.setattr(env, "environment_file", lambda: file)

    assert f"Everybody on this machine may read the keys in {file}" in words()


def test_static_files_that_were_not_collected_are_told(production, settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path / "elsewhere"

    assert "not collected" in words()


def test_static_files_of_other_code_are_told(production, settings, collected, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path / "copy"
    shutil.copytree(collected, settings.STATIC_ROOT)
    (settings.STATIC_ROOT / "admin" / "css" / "base.css").write_text("of yesterday")

    assert "admin/css/base.css" in words()
