"""What leaks is counted, and what comes and goes is not."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from benchmarks._soak.census import Census
from benchmarks._soak.lives import Life, Look, descriptor_growth, growth, slopes
from benchmarks._soak.plan import Blow, make_plan
from benchmarks._soak.store import Holdings
from config.local.processes import Part
from tests.support.waiting import wait_until

SOUND = Holdings(files={"a1": 10, "b2.zst": 5}, rows={"a1": "a1", "b2": "b2.zst"}, wanted={"a1", "b2"})


def life(place: str, *, of: range, level: int, grows: int, descriptors: int = 8) -> Life:
    """A process looked at every ten runs, with so many bytes to begin with and so many more for each run."""
    return Life(place, [Look(runs, level + grows * (runs - of[0]), descriptors) for runs in of])


def test_the_soak_slope_of_one_process_is_what_it_grows_by():
    assert slopes([life("web #1", of=range(0, 310, 10), level=5_000, grows=7)], warm_up_runs=60) == {
        "web #1": pytest.approx(7)
    }


def test_the_soak_slope_leaves_out_what_a_process_grows_by_while_it_warms_up():
    warming = life("web #1", of=range(0, 60, 10), level=0, grows=1_000)
    warm = life("web #1", of=range(60, 310, 10), level=60_000, grows=0)

    assert slopes([Life("web #1", [*warming.looks, *warm.looks])], warm_up_runs=60) == {
        "web #1": pytest.approx(0)
    }


def test_a_leak_is_seen_although_a_process_that_was_killed_begins_small_again():
    before = life("worker #1", of=range(0, 150, 10), level=100_000, grows=40)
    after = life("worker #1", of=range(150, 310, 10), level=90_000, grows=40)

    assert slopes([before, after], warm_up_runs=20) == {"worker #1": pytest.approx(40)}


def test_slopes_of_all_places_add_up_to_the_slope_of_the_sum():
    looks = range(0, 110, 10)
    wavy = Life("a #1", [Look(runs, 900 + 3 * runs + (runs % 30) * 5, 8) for runs in looks])
    straight = life("b #1", of=looks, level=100, grows=2)
    pairs = zip(wavy.looks, straight.looks, strict=True)
    both = Life("sum", [replace(one, rss_bytes=one.rss_bytes + other.rss_bytes) for one, other in pairs])

    assert sum(slopes([wavy, straight], warm_up_runs=0).values()) == pytest.approx(
        slopes([both], warm_up_runs=0)["sum"]
    )


@pytest.mark.parametrize(
    ("figures", "more"),
    [
        ([5, 5, 5, 6, 7, 8], 1),
        ([5, 9, 5, 6, 7, 8], 0),
        ([5, 5, 5, 9, 5, 9], 0),
        ([9, 9, 9, 5, 5, 5], 0),
        ([5, 8], 3),
        ([5], 0),
        ([], 0),
    ],
)
def test_only_what_stays_counts_as_soak_growth(figures, more):
    assert growth(figures) == more


def test_descriptors_that_become_more_within_one_process_are_leaked_files():
    leaking = Life("worker #1", [Look(runs, 1, 20 + runs // 10) for runs in range(0, 100, 10)])
    replaced = life("worker #1", of=range(100, 200, 10), level=1, grows=0, descriptors=90)

    assert descriptor_growth([leaking, replaced], warm_up_runs=0) == {"worker #1": 5}


def test_a_sound_store_has_no_orphan_blobs():
    assert (SOUND.orphans(), SOUND.missing(), SOUND.stored_bytes) == ([], [], 15)


@pytest.mark.parametrize(
    ("broken", "orphans"),
    [
        ({"wanted": {"a1"}}, ["b2.zst"]),
        ({"rows": {"a1": "a1"}, "wanted": {"a1"}}, ["b2.zst"]),
        ({"files": {**SOUND.files, "a1.zst": 4}}, ["a1.zst"]),
    ],
)
def test_orphan_blobs_are_rows_nobody_refers_to_and_files_without_a_row(broken, orphans):
    assert replace(SOUND, **broken).orphans() == orphans


def test_bytes_that_are_referred_to_and_not_there_are_an_evidence_gap():
    assert replace(SOUND, files={"a1": 10}).missing() == ["b2"]


def test_every_soak_strikes_browser_and_worker_and_asks_for_each_run_once():
    plan = make_plan(runs=300, seed=1, site_url="http://shop")
    short = make_plan(runs=12, seed=1, site_url="http://shop")

    struck = [blow for part in plan.rounds for blow in part.blows]
    assert (struck.count(Blow.BROWSER), struck.count(Blow.WORKER)) == (15, 3)
    assert {blow for part in short.rounds for blow in part.blows} == set(Blow)
    assert [sum(len(part.requests) for part in one.rounds) for one in (plan, short)] == [300, 12]
    assert plan == make_plan(runs=300, seed=1, site_url="http://shop")


@pytest.fixture
def keeper(tmp_path):
    """A process that starts another one again whenever it ends."""
    script = tmp_path / "keep"
    script.write_text(
        "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-m', 'http.server', '0'])"
    )
    part = Part("keeper", [sys.executable, script], {"PATH": "/usr/bin:/bin"}, tmp_path / "log")
    part.start()
    yield part
    part.kill()


def _server_of(part: Part) -> psutil.Process | None:
    """What the keeper started, once it is its own program."""
    with suppress(psutil.NoSuchProcess):  # the one that was killed goes while it is looked at
        children = psutil.Process(part.pid).children()
        return next((child for child in children if "http.server" in child.cmdline()), None)
    return None


def test_who_replaces_a_killed_process_takes_over_its_place_in_the_soak(keeper):
    census = Census([keeper])
    first = wait_until(lambda: _server_of(keeper))
    census.look(0)
    assert first is not None
    first.kill()
    wait_until(lambda: _server_of(keeper) not in {None, first})
    census.look(10)

    assert [one.place for one in census.lives][1:] == ["http.server #1", "http.server #1"]
    assert (census.counts, census.strays) == ([2, 2], set())


def test_a_process_that_outlives_its_parent_is_a_leaked_process(keeper):
    census = Census([keeper])
    wait_until(lambda: _server_of(keeper))
    census.look(0)
    psutil.Process(keeper.pid).kill()
    wait_until(lambda: keeper.pid is None)
    census.look(10)
    census.look(20)

    assert len(census.strays) == 1
    assert len(census.left()) == 1
