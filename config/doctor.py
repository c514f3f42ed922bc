"""Whether the settings are those of a production server, and whether they fit each other."""

from __future__ import annotations

import filecmp
import os
import stat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.finders import find, get_finders
from django.core import checks
from django.http.request import validate_host

from config import env
from infra_shared.checkup import Check, bad, good, odd, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = "docs/deploy.md has a complete example; docs/settings.md lists all."
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def look() -> Iterator[Finding]:
    """One finding for each setting that is odd, else one that all are well."""
    if settings.DEBUG:
        yield odd("DEBUG is on: this is no production server.", "Set DEBUG=false where others reach it.")
        return
    findings = [*_of_addresses(), *_of_people(), *_of_files(), *_of_django()]
    yield from findings or [good("They are those of a production server.")]


def _of_addresses() -> Iterator[Finding]:
    if not settings.SECURE_SSL_REDIRECT:
        yield bad(
            "BEHIND_TLS_PROXY is off: passwords and keys travel in clear, and cookies can be stolen.",
            "Put a proxy in front that ends TLS (docs/deploy.md), and set BEHIND_TLS_PROXY=true.",
        )
    elif settings.TRUSTED_PROXIES == 0:
        yield bad(
            "TRUSTED_PROXIES is 0 behind a proxy: all visitors have the proxy's address and share its limits.",
            "Set TRUSTED_PROXIES to how many proxies stand in front, such as 1.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield bad("ALLOWED_HOSTS takes every host name.", "List the names this server has.")
    elif set(settings.ALLOWED_HOSTS) <= _LOOPBACK:
        yield odd("ALLOWED_HOSTS names this machine alone.", "Add the host name the proxy serves.")
    public = urlsplit(settings.PUBLIC_URL)
    if (public.hostname or "") in _LOOPBACK or not validate_host(
        public.hostname or "", settings.ALLOWED_HOSTS
    ):
        yield odd(
            f"PUBLIC_URL is {settings.PUBLIC_URL}: links in mails lead to no host this server answers to.",
            "Set it to the console's address, and ALLOWED_HOSTS to its host name.",
        )


def _of_people() -> Iterator[Finding]:
    if settings.REVIEW_UI and not settings.OPERATORS_NEED_SECOND_FACTOR:
        yield odd(
            "OPERATORS_NEED_SECOND_FACTOR is off: a password alone opens the console.",
            "Leave it unset, or set it to true.",
        )


def _of_files() -> Iterator[Finding]:
    file = env.environment_file()
    if file.is_file() and file.stat().st_mode & stat.S_IRWXO:
        yield bad(f"Everybody on this machine may read the keys in {file}.", f"chmod o= {file}")
    if stale := _stale_static_file():
        yield odd(
            f"The console's static files are not collected as this code has them: {stale}.",
            "Run: python manage.py collectstatic --noinput, then restart web.",
        )
    if os.geteuid() == 0:
        yield odd(
            "This runs as root: Chromium has no sandbox then.",
            "Run web and workers as an unprivileged user (docs/deploy.md).",
        )


def _stale_static_file() -> str:
    """A static file whose collected copy is another one, or none; empty where all are as this code has them."""
    for finder in get_finders():
        for name, storage in finder.list(None):
            collected = settings.STATIC_ROOT / (getattr(storage, "prefix", None) or "") / name
            if find(name) != storage.path(name):
                continue  # hidden by another app's file of that name
            if not collected.is_file() or not filecmp.cmp(storage.path(name), collected, shallow=False):
                return str(name)
    return ""


def _of_django() -> Iterator[Finding]:
    """What Django's own deployment checks say beyond that."""
    for message in checks.run_checks(include_deployment_checks=True):
        if message.is_silenced() or (message.id in _SAID_ABOVE and not settings.SECURE_SSL_REDIRECT):
            continue
        level = bad if message.is_serious() else odd
        yield level(f"{message.msg} ({message.id})", message.hint or ADVICE)


_SAID_ABOVE = {f"security.W{number:03}" for number in (4, 5, 8, 12, 16, 21)}
"""HSTS, redirect and cookies, all of which BEHIND_TLS_PROXY switches on."""

register(Check(name="settings", look=look, advice=ADVICE, order=10, seconds=30))
