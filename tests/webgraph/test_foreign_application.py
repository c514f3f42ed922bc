"""An automation on an application nobody here wrote: Django's own admin, in its own templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.urls import path
from pydantic import BaseModel

from tests.webgraph.memory import Memory
from webgraph.browser.host import BrowserHost
from webgraph.conditions import appears, reads
from webgraph.flow import Automation, stage
from webgraph.network import AddressPolicy
from webgraph.runner import AttemptSpec, run_attempt
from webgraph.target import Target

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings
    from pytest_django.live_server_helper import LiveServer

    from webgraph.page import Page

# Django's own site class and its own page about users; the console's skin is not involved.
foreign_admin = admin.AdminSite(name="admin")
foreign_admin.register(User, UserAdmin)
urlpatterns = [path("admin/", foreign_admin.urls)]

SUCCESS = Target(css=".messagelist .success", called="what the admin says it did")
SAVE = Target(css="input[name=_save]", role="button", name="Save")
SEARCH = Target(css="#searchbar", role="searchbox")
RESULTS = Target(css="#result_list", role="table")
PAGINATOR = Target(css=".paginator", called="number of results")


class UserParams(BaseModel):
    """Which user to add and delete."""

    base_url: str
    username: str


class UserResult(BaseModel):
    """What the admin showed."""

    listed: list[dict[str, str]] = []
    said: str = ""


class AddAndDeleteUser(Automation):
    """Signs in, adds a user, finds it in the list, deletes it."""

    key = "foreign-add-and-delete-user"
    Params = UserParams
    State = UserResult
    Result = UserResult
    credentials = ("admin",)

    @stage(effect="idempotent")
    async def sign_in(self, page: Page) -> None:
        account = self.credential("admin")
        await page.goto(f"{self.params.base_url}/admin/")
        await page.fill(Target(css="#id_username", label="Username:"), account["username"])
        await page.fill(Target(css="#id_password", label="Password:"), account["password"])
        log_in = Target(css=".submit-row input[type=submit]", role="button", name="Log in")
        await page.click(log_in, then=appears(Target(css="#user-tools")))

    @stage(effect="commit")
    async def add(self, page: Page) -> None:
        await page.click(Target(css=".model-user .addlink", role="link", name="Add"))
        await page.fill(Target(css="#id_username", label="Username:"), self.params.username)
        for number in (1, 2):
            await page.fill(Target(css=f"#id_password{number}"), "correct-horse-battery")
        await page.click(SAVE, then=reads(SUCCESS, "was added successfully"))

    @stage(effect="read")
    async def find(self, page: Page) -> None:
        await page.click(Target(css=".breadcrumbs a[href$='/auth/user/']", text="Users"))
        await page.fill(SEARCH, self.params.username)
        await page.press(SEARCH, "Enter", then=reads(PAGINATOR, "1 user"))
        self.state.listed = await page.extract_table(RESULTS)

    @stage(effect="commit")
    async def delete(self, page: Page) -> dict[str, Any]:
        await page.click(Target(css="#result_list .field-username a", text=self.params.username))
        await page.click(Target(css=".deletelink", role="link", name="Delete"))
        sure = Target(css="#content form input[type=submit]", role="button", called="the confirmation")
        await page.click(sure, then=reads(SUCCESS, "was deleted successfully"))
        self.state.said = await page.text(SUCCESS)
        return dict(self.state)


@pytest.mark.browser
# Under test the static files come from the applications; nobody collects them first.
@pytest.mark.filterwarnings("ignore:No directory at:UserWarning")
@pytest.mark.urls(__name__)
def test_a_user_is_added_found_and_deleted_in_djangos_own_admin(
    live_server: LiveServer, settings: Settings, browser_executable: str
):
    own_templates = Path(admin.__file__).parent / "templates"
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [own_templates]}]
    User.objects.create_superuser("root", password="kept-elsewhere")
    spec = AttemptSpec(
        automation=AddAndDeleteUser,
        params={"base_url": live_server.url, "username": "ada"},
        secrets={"admin": {"username": "root", "password": "kept-elsewhere"}},
        address_policy=AddressPolicy(allowed=(live_server.url.removeprefix("http://"),)),
    )
    host = BrowserHost(browser_executable)
    host.start()
    try:
        result = run_attempt(spec, Memory(), host, on_beat=None, beat_seconds=5.0)
    finally:
        host.close()

    assert result.failure is None
    assert result.result is not None
    (row,) = result.result["listed"]
    assert row["USERNAME"] == "ada"  # headings are read as shown; the admin's style sheet capitalises them
    assert "“ada” was deleted successfully" in result.result["said"]
    log = admin.models.LogEntry.objects.order_by("action_time").values_list("action_flag", "object_repr")
    assert list(log) == [(admin.models.ADDITION, "ada"), (admin.models.DELETION, "ada")]
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
