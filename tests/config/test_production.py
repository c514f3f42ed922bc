"""The settings production runs with, as docs/operations.md names them: Django's own check, cookies, headers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.test import Client

from config.env import BASE_DIR
from config.local.environment import new_keys, without_settings
from intake.api.edge_auth import MAX_REQUEST_BYTES

PRODUCTION = {
    "ENV_FILE": "",
    "BEHIND_TLS_PROXY": "true",
    "TRUSTED_PROXIES": "1",
    "ALLOWED_HOSTS": "console.example",
}
POLICY = {
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'self'",
}
"""Nothing of another site, no script written into a page, and no page of ours in another site's frame."""
SHOW = """
import json, django
from django.conf import settings
django.setup()
names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "DEBUG",
         "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE",
         "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS",
         "OPERATORS_NEED_SECOND_FACTOR", "ADMINS", "LOGGING")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> dict[str, str]:
    """The environment of a production server."""
    folder = tmp_path_factory.mktemp("production")
    named = {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings"}
    return {**without_settings(), **new_keys(), **PRODUCTION, **named}


def python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_check_finds_nothing(production) -> None:
    done = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", environment=production)

    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), (
        done.stderr
    )


def test_cookies_belong_to_this_host_over_tls_alone_and_the_second_factor_is_asked_for(production) -> None:
    shown = json.loads(python("-c", SHOW, environment=production).stdout)

    assert (shown["SESSION_COOKIE_NAME"], shown["CSRF_COOKIE_NAME"]) == (
        "__Host-sessionid",
        "__Host-csrftoken",
    )
    assert shown["SESSION_COOKIE_SECURE"]
    assert shown["CSRF_COOKIE_SECURE"]
    assert shown["SESSION_COOKIE_HTTPONLY"]
    assert shown["CSRF_COOKIE_HTTPONLY"]
    assert (shown["SESSION_COOKIE_SAMESITE"], shown["CSRF_COOKIE_SAMESITE"]) == ("Lax", "Lax")
    assert (shown["SESSION_COOKIE_DOMAIN"], shown["SESSION_COOKIE_PATH"]) == (
        None,
        "/",
    )  # what __Host- demands
    assert shown["SECURE_SSL_REDIRECT"]
    assert shown["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert shown["OPERATORS_NEED_SECOND_FACTOR"]
    assert not shown["DEBUG"]


def test_log_lines_are_json_unless_somebody_says_otherwise(production) -> None:
    shown = json.loads(python("-c", SHOW, environment=production).stdout)

    assert shown["LOGGING"] == {"level": "INFO", "json": True}


@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/api/v1/runs", "/no-such-page"])
def test_each_answer_tells_browsers_what_they_may_do_with_it(db, path) -> None:
    headers = Client().get(path).headers

    policy = {directive.strip() for directive in headers["Content-Security-Policy"].split(";")}
    assert policy == POLICY
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_another_host_name_is_answered_with_nothing() -> None:
    answer = Client().get("/admin/login/", HTTP_HOST="elsewhere.example")

    assert answer.status_code == 400
    assert "elsewhere" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/"])
def test_the_console_is_kept_in_no_cache(console, path) -> None:
    assert "no-store" in console.get(path)["Cache-Control"]


def test_a_form_from_another_site_is_refused(operator) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post("/admin/logout/", HTTP_ORIGIN="https://elsewhere.example").status_code == 403


def test_a_form_beyond_the_limit_is_answered_413_and_says_so(console) -> None:
    large = "x" * (django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    answer = console.post("/admin/infra_shared/apikey/issue/", {"name": large})

    assert answer.status_code == 413
    assert "What you sent is too large" in answer.content.decode()


def test_the_largest_body_a_server_takes_is_larger_than_any_endpoint_takes() -> None:
    assert django_settings.BODY_MAX_BYTES > MAX_REQUEST_BYTES
    assert django_settings.BODY_MAX_BYTES > django_settings.INPUT_FILE_MAX_BYTES
