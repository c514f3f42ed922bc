"""Pictures of every page of the console with believable data, as docs/screens keeps them: wide and narrow, light and dark.

Starts a system of its own, lets one run succeed and one fail on the practice site, seeds weeks of history whose pages
show the pictures of those two, and visits every page with a signed-in browser. For the picture of a run at work the practice
site answers slowly.

    python -m benchmarks.screens [--out docs/screens] [--runs 800] --json
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from config.env import BASE_DIR
from config.local.api_client import ApiClient
from config.local.system import throwaway_system
from webgraph.browser.locate import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import APIRequestContext, Browser, Page

    from config.local.system import LocalSystem

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
MOST_BYTES = 300_000
SLOWLY = ["delay:1.2"]
STEPS_SEEN = 3
RUN_SECONDS = 180
LISTS = {
    "overview": "/admin/",
    "runs": "/admin/runs/run/",
    "failures": "/admin/runs/failurefamily/",
    "automations": "/admin/automations/automation/",
    "flow-new": "/admin/automations/automation/flows/new/",
    "flow-import": "/admin/automations/automation/flows/from-recording/",
    "flow-reference": "/admin/automations/automation/flows/reference/",
    "schedules": "/admin/automations/schedule/",
    "schedule-new": "/admin/automations/schedule/new/practice-invoices/",
    "credentials": "/admin/automations/credential/",
    "heals": "/admin/automations/healproposal/",
    "alerts": "/admin/infra_shared/alert/",
    "alert-channels": "/admin/infra_shared/alertchannel/",
    "outbox": "/admin/infra_shared/outboxmessage/",
    "events": "/admin/intake/event/",
    "sources": "/admin/intake/source/",
    "source-new": "/admin/intake/source/new/",
    "triggers": "/admin/intake/trigger/",
    "dead-letters": "/admin/intake/deadletter/?delivered_at__isempty=1",
    "pauses": "/admin/runs/pause/",
    "limits": "/admin/runs/limit/",
    "sites": "/admin/runs/site/",
    "bulk-orders": "/admin/runs/bulkorder/",
    "nodes": "/admin/runs/node/",
    "sessions": "/admin/infra_shared/signedinsession/",
    "storage": "/admin/runs/storagequota/",
    "retention": "/admin/runs/retentionrule/",
    "removed": "/admin/infra_shared/deletion/",
    "api-keys": "/admin/infra_shared/apikey/",
    "audit": "/admin/infra_shared/auditline/",
    "operators": "/admin/auth/user/",
}
FOLLOWED = {
    "failure-family": ("/admin/runs/failurefamily/", "#result_list tbody a"),
    "automation": ("/admin/automations/automation/", "#result_list tr:has-text('practice shop') a"),
    "schedule": ("/admin/automations/schedule/", "#result_list tbody a"),
    "credential": ("/admin/automations/credential/", "#result_list tbody a"),
    "session": ("/admin/infra_shared/signedinsession/", "#result_list tbody a"),
    "heal": ("/admin/automations/healproposal/", "#result_list tbody a"),
    "node": ("/admin/runs/node/", "#result_list tbody a"),
    "alert": ("/admin/infra_shared/alert/", "#result_list tbody a"),
    "message-failed": ("/admin/infra_shared/outboxmessage/?state__exact=failed", "#result_list tbody a"),
    "event": ("/admin/intake/event/?state__exact=routed", "#result_list tbody a"),
    "event-failed": ("/admin/intake/event/?state__exact=failed", "#result_list tbody a"),
    "source": ("/admin/intake/source/", "#result_list tbody a"),
    "trigger": ("/admin/intake/trigger/", "#result_list tbody a"),
    "key-issue": ("/admin/infra_shared/apikey/", "text=Issue a key"),
    "run-failed": ("/admin/runs/run/?state__exact=failed&cause__exact=command", "#result_list tbody a"),
    "run-succeeded": ("/admin/runs/run/?state__exact=succeeded", "#result_list tbody a"),
    "run-waiting": ("/admin/runs/run/?state__exact=waiting_input", "#result_list tbody a"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every picture was taken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screens", description=__doc__)
    parser.add_argument("--out", type=Path, default=BASE_DIR / "docs" / "screens")
    parser.add_argument("--runs", type=int, default=800)
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with throwaway_system(OPERATORS_NEED_SECOND_FACTOR="false") as system:
        account = _prepare(system, given.runs)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=locate(None), chromium_sandbox=False)
            sizes = _take_all(browser, system, account, given.out)
            browser.close()
    too_large = [name for name, size in sizes.items() if size > MOST_BYTES]
    sys.stdout.write(
        json.dumps({"pictures": len(sizes), "bytes": sum(sizes.values()), "too_large": too_large}) + "\n"
    )
    return 0


def _prepare(system: LocalSystem, runs: int) -> dict[str, Any]:
    """A started system with a success, a failure and a history; returns the first operator's account."""
    account = system.accounts("ensure")
    system.start_site()
    system.manage("demo", "prepare", "--site-url", system.site_url)
    system.start()
    client = ApiClient(system.web_url, account["key"])
    body = {"automation": "practice-invoices", "params": {"base_url": system.site_url}}
    run_id = client.post("/runs", body)["id"]
    client.wait_for_run(run_id, seconds=RUN_SECONDS)
    statements = client.post("/runs", body | {"automation": "practice-statements"})["id"]
    client.wait_for_run(statements, seconds=RUN_SECONDS)
    client.wait(
        lambda: next(client.items("/runs?state=failed"), None), seconds=RUN_SECONDS, what="the failed run"
    )
    system.manage("demo", "seed", "--runs", str(runs))
    system.manage("hooks", "seed")
    return account


def _take_all(browser: Browser, system: LocalSystem, account: dict[str, Any], folder: Path) -> dict[str, int]:
    """Every page in every size and scheme; returns the bytes of each picture by name."""
    url = system.web_url
    taken: dict[str, int] = {}
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # one of the two words it takes
                timezone_id="Europe/Berlin",
            )
            page = context.new_page()
            page.goto(f"{url}/admin/")
            taken |= _take(page, folder / f"sign-in-{size}-{scheme}.png")
            page.fill("[name=username]", account["operator"])
            page.fill("[name=password]", account["password"])
            page.click("#login-form button[type=submit]")
            page.wait_for_url("**/admin/")
            for name, path in [*LISTS.items(), *((key, path) for key, (path, _) in FOLLOWED.items())]:
                page.goto(url + path)
                if name in FOLLOWED:
                    page.click(FOLLOWED[name][1])
                page.wait_for_load_state("networkidle")
                taken |= _take(page, folder / f"{name}-{size}-{scheme}.png")
            with _run_at_work(system, account["key"], context.request) as run_id:
                page.goto(f"{url}/admin/runs/run/{run_id}/change/")
                page.locator("#run[data-state=running] .c-step").nth(STEPS_SEEN).wait_for()
                taken |= _take(page, folder / f"run-running-{size}-{scheme}.png")
            context.close()
    return taken


def _take(page: Page, file: Path) -> dict[str, int]:
    """Keep what the window shows; returns the picture's bytes by its name."""
    file.write_bytes(page.screenshot())
    return {file.name: file.stat().st_size}


@contextmanager
def _run_at_work(system: LocalSystem, key: str, site: APIRequestContext) -> Iterator[str]:
    """The id of a run on a slow site, which ends, quickly again, after the block."""
    client, switch = ApiClient(system.web_url, key), f"{system.site_url}/_control/faults"
    site.post(switch, data={"faults": SLOWLY})
    body = {"automation": "practice-invoices", "params": {"base_url": system.site_url}}
    run_id = client.post("/runs", body)["id"]
    try:
        yield run_id
    finally:
        site.post(switch, data={"faults": []})
        client.wait_for_run(run_id, seconds=RUN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
