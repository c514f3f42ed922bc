"""The warm browser: reused, recycled, replaced, and gone without a trace at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.support.families import name_of
from tests.support.waiting import wait_until
from webgraph.browser import folders, processes
from webgraph.browser.host import BrowserHost
from webgraph.browser.profile import BrowserProfile, Viewport
from webgraph.browser.recycling import RecyclePolicy
from webgraph.browser.signed_profile import sign
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from pathlib import Path

HOLD_A_BROWSER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from webgraph.browser.host import BrowserHost
    from webgraph.browser.profile import BrowserProfile
    from webgraph.browser.signed_profile import sign
    from webgraph.network import AddressPolicy

    host = BrowserHost(sys.argv[1], temp_root=Path(sys.argv[2]))
    host.start()

    async def hold():
        async with host.lease(sign(BrowserProfile(), {}), AddressPolicy()) as context:
            await context.new_page()
            print(host.folder, flush=True)
            await context.wait_for_event("close", timeout=0)

    host.submit(hold()).result()
""")


def browser_pid(host: BrowserHost, profile: BrowserProfile | None = None) -> int:
    """Use the host once and return which browser served."""

    async def use() -> int:
        async with host.lease(sign(profile or BrowserProfile(), {}), AddressPolicy()) as context:
            await (await context.new_page()).goto("about:blank")
            assert context.browser is not None
            session = await context.browser.new_browser_cdp_session()
            answer = await session.send("SystemInfo.getProcessInfo")
            return next(int(item["id"]) for item in answer["processInfo"] if item["type"] == "browser")

    return host.submit(use()).result(30)


@pytest.mark.browser
def test_attempts_share_a_browser_until_it_has_served_its_number(browser_executable: str, tmp_path: Path):
    host = BrowserHost(browser_executable, recycle=RecyclePolicy(attempts=2), temp_root=tmp_path)
    host.start()

    pids = [browser_pid(host) for _ in range(3)]
    host.close()

    assert pids[0] == pids[1] != pids[2]


@pytest.mark.parametrize(
    ("served", "due"),
    [
        ({"attempts": 9, "age_seconds": 59.0, "memory_bytes": 99}, False),
        ({"attempts": 10, "age_seconds": 0.0, "memory_bytes": 0}, True),
        ({"attempts": 0, "age_seconds": 60.0, "memory_bytes": 0}, True),
        ({"attempts": 0, "age_seconds": 0.0, "memory_bytes": 100}, True),
    ],
)
def test_a_browser_is_replaced_by_number_age_and_memory(served: dict[str, Any], due):
    policy = RecyclePolicy(attempts=10, age=timedelta(minutes=1), memory_bytes=100)

    assert policy.is_due(**served) is due


@pytest.mark.browser
@pytest.mark.parametrize("victim", ["browser", "driver"])
def test_a_killed_part_is_replaced_at_the_next_attempt(own_host: BrowserHost, victim):
    first = browser_pid(own_host)
    family = processes.owned_by(own_host.folder)
    doomed = next(
        process
        for process in family
        if (name_of(process).startswith("node") if victim == "driver" else process.pid == first)
    )

    doomed.kill()
    wait_until(lambda: not psutil.pid_exists(first) or _is_zombie(first))

    assert browser_pid(own_host) != first


@pytest.mark.browser
def test_a_closed_host_leaves_no_process_and_no_folder(own_host: BrowserHost):
    browser_pid(own_host)
    folder = own_host.folder

    own_host.close()

    assert processes.owned_by(folder) == []
    assert not folder.exists()


@pytest.mark.browser
def test_the_profile_reaches_the_page(own_host: BrowserHost):
    profile = BrowserProfile(
        locale="de-DE", timezone="Asia/Tokyo", user_agent="Probe/1", viewport=Viewport(width=777)
    )

    async def ask() -> list[Any]:
        async with own_host.lease(sign(profile, {}), AddressPolicy()) as context:
            page = await context.new_page()
            return list(
                await page.evaluate(
                    "[navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone,"
                    " navigator.userAgent, innerWidth]"
                )
            )

    assert own_host.submit(ask()).result(30) == ["de-DE", "Asia/Tokyo", "Probe/1", 777]


@pytest.mark.browser
def test_what_a_killed_worker_left_is_ended_and_swept_by_the_next_host(
    browser_executable: str, tmp_path: Path
):
    command = [sys.executable, "-c", HOLD_A_BROWSER, browser_executable, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        folder = type(tmp_path)(worker.stdout.readline().strip())
        assert processes.owned_by(folder)
        os.kill(worker.pid, signal.SIGKILL)

    removed = folders.sweep(tmp_path)

    assert removed == [folder]
    assert processes.owned_by(folder) == []


def test_a_living_owners_folder_is_left_alone(tmp_path: Path):
    folder = folders.make(tmp_path)

    assert folders.sweep(tmp_path) == []
    assert folder.path.is_dir()
    folder.remove()


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
