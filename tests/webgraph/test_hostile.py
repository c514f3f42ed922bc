"""Pages that mean harm, opened by `page-snapshot`: each ends within its limits, leaves what can be read, and harms nobody."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from automations.library.page_snapshot import PageSnapshot
from tests.support.families import words_of
from tests.support.keepers import kept_browser
from tests.support.waiting import wait_until
from tests.webgraph.conftest import Tried
from tests.webgraph.hostile_pages import FIVE_GIGABYTES, HostileSite, hostile_site
from webgraph.browser import processes
from webgraph.browser.host import BrowserHost
from webgraph.browser.recycling import RecyclePolicy
from webgraph.errors import FailureKind
from webgraph.limits import MEGABYTE, Limits
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

    from tests.webgraph.local_pages import LocalPages
    from tests.webgraph.memory import Memory
    from webgraph.page import Page
    from webgraph.runner import AttemptResult

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]
LIMITS = Limits(
    traffic_bytes=8 * MEGABYTE,
    download_bytes=MEGABYTE,
    windows=6,
    dialogs=20,
    redirects=10,
    html_bytes=MEGABYTE // 4,
    log_lines=200,
)
STEP_SECONDS = 2.0
PATIENT_SECONDS = 20.0
DEADLINE_SECONDS = 40.0
MOST_KEPT_BYTES = 2 * MEGABYTE
BY_ITSELF = "led through more than 10 pages by itself, which is the limit (BROWSER_MAX_REDIRECTS)"
TOO_LONG = "The download was broken off: it has more than 1 MB, which is the limit (BROWSER_MAX_DOWNLOAD_MB)."
TOO_MUCH = "received more than 8 MB, which is the limit (BROWSER_MAX_TRAFFIC_MB)"
CUT = "less than 0.25 MB is kept (BROWSER_MAX_HTML_MB)"


@pytest.fixture(scope="session")
def site() -> Iterator[HostileSite]:
    with hostile_site() as running:
        yield running


def snapshot(attempt: Tried, site: HostileSite, path: str, **given: Any) -> AttemptResult:
    """What `page-snapshot` makes of a page of the site."""
    usual: dict[str, Any] = {
        "limits": LIMITS,
        "step_timeout_seconds": STEP_SECONDS,
        "deadline_seconds": DEADLINE_SECONDS,
    }
    return attempt(
        automation=PageSnapshot,
        params={"url": site.url(path)},
        allowed=(site.host_and_port,),
        **usual | given,
    )


def said(memory: Memory, result: AttemptResult) -> str:
    """Everything the attempt says of what was too much."""
    logs = [json.loads(line) for log in memory.of(ArtifactKind.CONSOLE_LOG) for line in log.body.splitlines()]
    lines = [line["text"] for line in logs if line.get("kind") == "limit"]
    return "\n".join([result.failure.message if result.failure else "", *lines])


def seen(memory: Memory) -> list[bytes]:
    """The documents that were kept."""
    kinds = (ArtifactKind.STEP_HTML, ArtifactKind.FAILURE_HTML)
    return [item.body for item in memory.files if item.kind in kinds]


def assert_readable(memory: Memory) -> None:
    """There is a picture and a document, nothing is out of bounds, and what is missing says why."""
    pictures = memory.of(ArtifactKind.STEP_PICTURE) + memory.of(ArtifactKind.FAILURE_PICTURE)
    assert pictures
    assert any(b"Welcome" in html or b"<html" in html for html in seen(memory))
    assert memory.of(ArtifactKind.REQUEST_LOG)
    assert max(len(item.body) for item in memory.files) < MOST_KEPT_BYTES
    assert all(gap.reason for gap in memory.gaps)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("popups", "More than 6 windows were opened", marks=pytest.mark.slow),
        (
            "popups-one-by-one",
            "More than 6 windows were opened, which is the limit (BROWSER_MAX_WINDOWS)",
        ),
        ("alerts", "showed more than 20 dialogs, which is the limit (BROWSER_MAX_DIALOGS)"),
        pytest.param("prompts-on-leaving", "showed more than 20 dialogs", marks=pytest.mark.slow),
        ("script-redirects", BY_ITSELF),
        ("redirects", BY_ITSELF),
        pytest.param("endless-answer", TOO_MUCH, marks=pytest.mark.slow),
        ("endless-page", TOO_MUCH),
    ],
)
def test_hostile_page_that_does_too_much_fails_for_good_and_names_the_setting(
    attempt: Tried, site: HostileSite, path: str, words: str
) -> None:
    result = snapshot(attempt, site, path, step_timeout_seconds=PATIENT_SECONDS)

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.NAVIGATION, True)
    assert words in result.failure.message
    assert words in said(attempt.memory, result)
    assert_readable(attempt.memory)
    wait_until(lambda: not site.sending["endless"] and not site.sending["endless-page"])


@pytest.mark.parametrize(
    ("path", "words"),
    [("download", TOO_LONG), ("endless-download", TOO_LONG), ("made-downloads", TOO_LONG)],
)
def test_hostile_download_is_broken_off_while_it_comes(
    attempt: Tried, site: HostileSite, path: str, words: str
) -> None:
    result = snapshot(attempt, site, path)

    assert words in said(attempt.memory, result)
    assert_readable(attempt.memory)
    assert max(site.sent_bytes.values(), default=0) < FIVE_GIGABYTES / 10
    wait_until(lambda: not site.sending["five-gigabytes"] and not site.sending["endless-file"])


@pytest.mark.parametrize(
    ("path", "words"),
    [("five-gigabytes", "The address is a download"), ("long-headers", "")],
)
def test_hostile_answer_that_is_no_page_is_a_failed_navigation(
    attempt: Tried, site: HostileSite, path: str, words: str
) -> None:
    result = snapshot(attempt, site, path)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.NAVIGATION
    assert words in result.failure.message


@pytest.mark.parametrize("path", ["frozen"])
def test_hostile_script_without_end_is_stopped_and_its_page_can_be_seen(
    attempt: Tried, site: HostileSite, path: str
) -> None:
    result = snapshot(attempt, site, path)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TIMEOUT
    assert "its scripts were stopped to look at it" in said(attempt.memory, result)
    assert b"Welcome" in attempt.memory.of(ArtifactKind.FAILURE_HTML)[0].body
    assert attempt.memory.of(ArtifactKind.FAILURE_PICTURE)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("huge-dom", CUT),
        ("console", "wrote on and on"),
        pytest.param("long-console", "", marks=pytest.mark.slow),
        pytest.param("title", CUT, marks=pytest.mark.slow),
        pytest.param("name", "", marks=pytest.mark.slow),
        ("history", ""),
        ("beforeunload", ""),
        ("permissions", ""),
        pytest.param("giant-canvas", "", marks=pytest.mark.slow),
        ("cookies", ""),
        ("encoding", ""),
        ("broken-gzip", ""),
        ("lies-about-itself", ""),
    ],
)
def test_hostile_page_that_only_shows_too_much_is_kept_as_far_as_it_may(
    attempt: Tried, site: HostileSite, path: str, words: str
) -> None:
    result = snapshot(attempt, site, path, step_timeout_seconds=PATIENT_SECONDS)

    assert result.failure is None
    assert words in said(attempt.memory, result)
    assert len((result.result or {})["title"]) <= 2_000
    assert max(len(outcome.url) for outcome in attempt.memory.outcomes) <= 4_000
    assert_readable(attempt.memory)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["gzip-bomb", "million-nodes"])
def test_hostile_page_too_large_to_be_shown_is_cut_or_ends_by_its_time_or_its_memory(
    attempt: Tried, site: HostileSite, path: str
) -> None:
    result = snapshot(attempt, site, path, step_timeout_seconds=PATIENT_SECONDS)

    words = said(attempt.memory, result)
    assert any(limit in words for limit in (CUT, "did not finish in time", "BROWSER_MAX_PAGE_MEMORY_MB"))
    assert attempt.memory.of(ArtifactKind.REQUEST_LOG)
    assert all(gap.reason for gap in attempt.memory.gaps)
    assert snapshot(attempt, site, "plain").failure is None


@pytest.mark.slow
def test_hostile_redirects_after_the_page_was_there_end_with_the_attempt(
    attempt: Tried, site: HostileSite
) -> None:
    result = snapshot(attempt, site, "meta-redirects")
    snapshot(attempt, site, "plain")  # by then the request that was under way has arrived
    hits = site.hits["meta-redirects"]
    snapshot(attempt, site, "plain")

    assert result.stop_reason is None
    assert seen(attempt.memory)
    assert site.hits["meta-redirects"] == hits


def test_hostile_service_worker_is_not_installed(attempt: Tried, site: HostileSite) -> None:
    snapshot(attempt, site, "service-worker")

    (log,) = attempt.memory.of(ArtifactKind.CONSOLE_LOG)
    assert b"Service Worker registration blocked" in log.body
    assert site.hits["worker.js"] == 0


@pytest.fixture
def small_pages(browser_executable: str, tmp_path: Path) -> Iterator[BrowserHost]:
    """A host that ends pages at 300 MB."""
    policy = RecyclePolicy(page_memory_bytes=300 * MEGABYTE)
    host = BrowserHost(browser_executable, temp_root=tmp_path, recycle=policy)
    host.start()
    yield host
    host.close()


def test_hostile_pages_harm_no_other_attempt_of_their_browser(
    attempt: Tried, site: HostileSite, small_pages: BrowserHost, pages: LocalPages
) -> None:
    limits = replace(LIMITS, page_memory_bytes=300 * MEGABYTE)
    neighbour, may_end = Tried(small_pages, pages), threading.Event()

    async def waits(page: Page) -> None:
        await page.goto(site.url("plain"))
        await asyncio.to_thread(may_end.wait, 60)
        await page.expect(Target(css="h1"))

    with ThreadPoolExecutor() as beside:
        other = beside.submit(neighbour, waits, allowed=(site.host_and_port,))
        wait_until(lambda: bool(neighbour.memory.outcomes), 20)
        ended = [
            snapshot(attempt, site, path, host=small_pages, limits=limits, step_timeout_seconds=8.0)
            for path in ("memory", "alerts")
        ]
        may_end.set()
        result = other.result(30)

    assert [item.failure and item.failure.kind for item in ended] == ["browser_crash", "navigation"]
    assert "a page took more than 300 MB of memory" in str(ended[0].failure)
    assert "BROWSER_MAX_PAGE_MEMORY_MB" in str(ended[0].failure)
    assert {gap.kind for gap in attempt.memory.gaps} >= {ArtifactKind.FAILURE_PICTURE}
    assert result.failure is None


def test_hostile_memory_hog_is_ended_in_a_shared_browser_and_told_why(
    attempt: Tried, site: HostileSite, browser_executable: str, tmp_path: Path
) -> None:
    policy = RecyclePolicy(page_memory_bytes=300 * MEGABYTE)
    with kept_browser(browser_executable, policy, tmp_path) as kept:
        host = BrowserHost(browser_executable, temp_root=tmp_path, keeper=kept.address)
        hog = snapshot(attempt, site, "memory", host=host, step_timeout_seconds=PATIENT_SECONDS)
        after = snapshot(attempt, site, "plain", host=host, step_timeout_seconds=PATIENT_SECONDS)
        host.close()

    assert hog.failure is not None
    assert hog.failure.kind is FailureKind.BROWSER_CRASH
    assert "BROWSER_MAX_PAGE_MEMORY_MB" in hog.failure.message
    assert after.failure is None
    assert len(kept.servers) == 1


def test_hostile_pages_leave_no_process_no_file_and_no_window(
    attempt: Tried, site: HostileSite, small_pages: BrowserHost
) -> None:
    snapshot(attempt, site, "plain", host=small_pages)
    before = len(_pages_of(small_pages))

    for path in ("popups-one-by-one", "endless-download", "made-downloads"):
        snapshot(attempt, site, path, host=small_pages)

    wait_until(lambda: len(_pages_of(small_pages)) <= before, 20)
    wait_until(lambda: _kept_bytes(small_pages.folder) < MEGABYTE, 20)
    folder = small_pages.folder
    small_pages.close()
    assert processes.owned_by(folder) == []
    assert not folder.exists()


def _pages_of(host: BrowserHost) -> list[psutil.Process]:
    return [one for one in processes.owned_by(host.folder) if "--type=renderer" in words_of(one)]


def _kept_bytes(folder: Path) -> int:
    """What attempts and downloads hold on the disk; the browser's own profile is no page's."""
    files = [file for file in folder.rglob("*") if file.is_file() and "profile" not in str(file)]
    return sum(file.stat().st_size for file in files)
