"""On pages that changed, the right thing is found or none: the benchmark's own cases, at seeds chosen anew."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from benchmarks.resolution import KINDS, measure

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from webgraph.browser.host import BrowserHost

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.mark.parametrize("each", [1, pytest.param(3, marks=pytest.mark.slow)], ids=["short", "whole"])
def test_no_change_of_a_page_makes_a_wrong_thing_be_acted_on(
    shared_host: BrowserHost, practice_site: PracticeSite, each
):
    seed = secrets.randbelow(2**31)

    tally = shared_host.submit(measure(shared_host, practice_site.host_and_port, seed, each=each)).result()

    figures = tally.figures(seed)
    assert figures["wrong"] == 0, (figures, tally.misses)
    assert figures["found_right_share"] >= (0.95 if each > 1 else 0.85), (figures, tally.misses)
    assert figures["cases"] >= each * len(KINDS) * 10
    assert figures["wrong"] < figures["css_wrong"]
    assert figures["heals"] >= figures["cases"] / 10
    assert figures["heals_wrong"] == 0, (figures, tally.misses)
