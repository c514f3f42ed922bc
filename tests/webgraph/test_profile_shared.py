"""Everything a browser profile declares once more, in a browser that is shared: all of it is said to a context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.keepers import kept_browser
from tests.webgraph.conftest import Tried
from tests.webgraph.test_profile import *  # noqa: F403 - its tests, collected again with the fixtures below
from webgraph.browser.host import BrowserHost
from webgraph.browser.recycling import RecyclePolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.webgraph.local_pages import LocalPages

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def own_host(browser_executable: str, tmp_path: Path) -> Iterator[BrowserHost]:
    """A host that borrows its browser."""
    with kept_browser(browser_executable, RecyclePolicy(), tmp_path) as kept:
        host = BrowserHost(browser_executable, temp_root=tmp_path, keeper=kept.address)
        host.start()
        yield host
        host.close()


@pytest.fixture
def attempt(own_host: BrowserHost, pages: LocalPages) -> Tried:
    """An attempt in the borrowed browser."""
    return Tried(own_host, pages)
