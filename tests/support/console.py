"""The console as an operator meets it: signed-in clients, runs to look at, and a real server for a real browser."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.db import connections
from django.test import AsyncClient, Client
from playwright.sync_api import sync_playwright

from config.local.processes import free_port
from tests.support.runs_factory import RunsFactory, make_factory
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User
    from playwright.sync_api import Page

NAME, PASSWORD = "anna", "a-password-for-anna"
STATUS_ALONE = "Failed to load resource: the server responded with a status of"
"""What the browser says of every answer that refuses; for `Screen.expects` where the refusal is what is tested."""


@pytest.fixture
def runs_factory(db: None) -> RunsFactory:
    """Makes runs with pictures."""
    return make_factory()


@pytest.fixture
def operator(db: None) -> User:
    """The first operator, who may do everything."""
    return get_user_model().objects.create_superuser(NAME, password=PASSWORD)


@pytest.fixture
def console(operator: User) -> Client:
    """A client signed in as the operator."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def async_console(operator: User) -> AsyncClient:
    """The same, for what streams."""
    client = AsyncClient()
    client.force_login(operator)
    return client


def client_with(*permissions: str) -> Client:
    """A client signed in as somebody of the staff who has only these permissions, such as `runs.view_run`."""
    user = get_user_model().objects.create_user("berta", password=PASSWORD, is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    return client


@dataclass
class Screen:
    """A browser on the console, and everything it complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expects(self, *parts: str) -> None:
        """Take a complaint with one of these texts in it for the policy, or the browser, at work.

        Whenever it comes: the browser hands them over late, some only while it closes.
        """
        self.expected.extend(parts)

    def unexpected(self) -> list[str]:
        """What the browser complained about so far, but of what was expected."""
        return [line for line in self.complaints if not any(part in line for part in self.expected)]

    def open(self, path: str) -> Page:
        """Go to a page of the console."""
        self.page.goto(self.url + path)
        return self.page


@pytest.fixture
def console_url(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the whole server, on uvicorn as in production, over the test's database."""
    # As in the web process: each request has a thread of its own, and its connection ends with it.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    port = free_port()
    application = ASGIStaticFilesHandler(get_asgi_application())
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, what="the console's server")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def screen(
    console_url: str, operator: User, browser_executable: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Screen]:
    """A signed-in browser, 1440 by 900; the test fails when a page logs an error or breaks the security policy."""
    # Playwright's loop counts as running in this thread, which reaches the database between its calls on purpose.
    # Each test has its own, ended before the database is put back, so that no other test meets that loop.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        sandbox = os.getuid() != 0
        browser = playwright.chromium.launch(executable_path=browser_executable, chromium_sandbox=sandbox)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin")
        context.set_default_timeout(15_000)
        shown = Screen(context.new_page(), console_url)
        listen(shown)
        sign_in(shown)
        yield shown
        browser.close()
        # Playwright switches contexts, and Django keeps a connection for each: this one is nobody else's to close.
        connections.close_all()
    assert shown.unexpected() == []


def sign_in(shown: Screen) -> None:
    """Sign in by the form."""
    page = shown.open("/admin/")
    page.fill("[name=username]", NAME)
    page.fill("[name=password]", PASSWORD)
    page.click("#login-form button[type=submit]")
    page.wait_for_url("**/admin/")


def listen(shown: Screen) -> None:
    """Collect what the browser complains about, in windows that open later too."""

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            shown.complaints.append(f"{shown.page.url}: {message.text}")

    context = shown.page.context
    context.on("console", on_console)
    context.on("weberror", lambda error: shown.complaints.append(f"{shown.page.url}: {error.error}"))
