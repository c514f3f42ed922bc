"""The API's reference: complete, valid, and readable under the console's policy in a real browser."""

from __future__ import annotations

import asyncio

import pytest
from django.conf import settings as configured
from django.test import Client
from playwright.async_api import async_playwright

from automations.api import routers as automations
from config.api import api as root
from config.api_examples import EXAMPLES
from intake.api import routers as intake
from runs.api import routers as runs

ALWAYS = {"401", "403", "422", "429", "503"}
CONTENT = "/api/v1/artifacts/{artifact_id}/content"


@pytest.fixture
def reference(admin_user):
    """The OpenAPI document as an operator gets it."""
    operator = Client()
    operator.force_login(admin_user)
    return operator.get("/api/v1/openapi.json").json()


def test_every_endpoint_names_its_scope_and_its_problems(reference) -> None:
    operations = [one for methods in reference["paths"].values() for one in methods.values()]

    for operation in operations:
        (scheme,) = operation["security"]
        scopes = scheme.get("ApiKeyAuth", [])
        assert all(f"`{scope}`" in operation["description"] for scope in scopes)
        assert bool(scopes) is (operation["tags"] != ["Edge"])
        assert {"401", "503", *(("403", "422", "429") if scopes else ("400", "413"))} < set(
            operation["responses"]
        )
        assert operation["tags"]
        assert operation["operationId"].isidentifier()
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_the_reference_says_what_is_sent_and_answered(reference) -> None:
    schemas = reference["components"]["schemas"]
    create = reference["paths"]["/api/v1/runs"]["post"]

    assert reference["components"]["securitySchemes"]["ApiKeyAuth"]["name"] == "X-API-Key"
    assert [parameter["name"] for parameter in create["parameters"]] == ["Idempotency-Key"]
    assert schemas["RunIn"]["properties"]["automation"]["examples"]
    assert set(schemas["Problem"]["properties"]) >= {"title", "status", "detail", "errors"}
    assert "206" in reference["paths"][CONTENT]["get"]["responses"]
    assert "`runs:write`" in root.description


def test_each_body_has_an_example_that_fits_its_schema() -> None:
    taking = {
        operation.view_func.__name__: model
        for router in (*runs, *automations, *intake)
        for path in router.path_operations.values()
        for operation in path.operations
        for model in operation.models
        if model.__ninja_param_source__ == "body"
    }

    assert EXAMPLES.keys() == taking.keys()
    for name, model in taking.items():
        model.model_validate({"body": EXAMPLES[name]})


def test_each_answer_that_can_be_is_in_the_reference_and_no_other(reference) -> None:
    paths = {path.removeprefix("/api/v1"): methods for path, methods in reference["paths"].items()}

    def statuses(method: str, path: str) -> set[str]:
        return {status for status in paths[path][method]["responses"] if status not in ALWAYS}

    assert statuses("get", "/runs") == {"200", "400"}
    assert statuses("post", "/runs") == {"200", "201", "400", "404", "409", "413"}
    assert statuses("patch", "/schedules/{schedule_id}") == {"200", "400", "404", "413"}
    assert statuses("get", "/runs/{run_id}/result") == {"200", "404", "409"}
    assert statuses("delete", "/sources/{slug}") == {"204", "404"}
    assert "Location" in paths["/runs"]["post"]["responses"]["201"]["headers"]
    assert "Retry-After" in paths["/runs"]["get"]["responses"]["429"]["headers"]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_operator_reads_the_reference_in_a_browser(live_server, admin_user, browser_executable) -> None:
    operator = Client()
    operator.force_login(admin_user)
    session = operator.cookies[configured.SESSION_COOKIE_NAME].value

    headings, complaints = asyncio.run(look(live_server.url, session, browser_executable))

    assert "Create a run" in headings
    assert complaints == []


async def look(url: str, session: str, executable: str) -> tuple[str, list[str]]:
    """Open the reference; return its text and everything the browser complained about."""
    complaints: list[str] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=executable)
        context = await browser.new_context()
        await context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": session, "url": url}])
        page = await context.new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("requestfailed", lambda request: complaints.append(request.url))
        answer = await page.goto(f"{url}/api/v1/docs")
        assert answer is not None
        assert "script-src 'self'" in (await answer.all_headers())["content-security-policy"]
        await page.locator("#operations-Runs-create_run").wait_for()
        text = await page.locator("body").inner_text()
        await browser.close()
    return text, complaints
