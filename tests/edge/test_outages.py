"""What the Worker has accepted is stored once and starts one run, whatever happens to the origin meanwhile.

Senders sign and post to the real Worker in workerd; a wire that is watched leads to a real Django process. The Worker's
own queue lives in memory here, so it is the origin that breaks.
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.edge.relay import CUT, GIVEN_UP, REFUSED
from tests.edge.rig import EdgeRig, edge_rig
from tests.edge.senders import Sender
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.edge, pytest.mark.usefixtures("needs_node")]
LETTER_SECONDS = 90
LARGE = 16  # each of eight senders sends its 50th and its 100th webhook with 300 KB
FRESH_SECONDS = 60
"""A Worker remembers a source for half a minute."""


def nothing_was_lost(rig: EdgeRig) -> dict[str, int]:
    """The origin's books, once everything is routed: each webhook that was taken is one event with one run."""
    facts = rig.settled()
    taken = rig.crowd.taken
    assert (facts["events"], facts["stored"], facts["routed"], facts["runs"]) == (taken, taken, taken, taken)
    assert facts["events_with_two_runs"] == facts["rejected"] == facts["letters"] == 0
    assert facts["is_balanced"]
    assert facts["counted_again"] == facts["duplicate"] >= rig.crowd.posts - taken
    assert letters_kept(rig) == 0
    return facts


@pytest.mark.timeout(240)
def test_a_hundred_webhooks_outlive_a_kill_of_the_origin() -> None:
    with edge_rig("sqlite", schemes=("github", "standard", "slack", "bearer")) as rig:
        rig.crowd.send(5)
        rig.send_through(rig.web_killed, REFUSED, 15)
        rig.crowd.send(5)

        facts = nothing_was_lost(rig)

        assert facts["events"] == 100
        assert facts["tried_again"] > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_webhooks_of_eight_senders_outlive_every_outage(database_under_test: str) -> None:
    with edge_rig(database_under_test) as rig:
        rig.send_through(rig.web_killed, REFUSED, 20)
        rig.send_through(rig.database_away, "503", 20)
        rig.send_through(rig.web_frozen, GIVEN_UP, 20)
        rig.send_through(rig.answer_lost, CUT, 20)
        rig.send_through(rig.web_killed, REFUSED, 20)
        rig.crowd.send(25)

        facts = nothing_was_lost(rig)

        assert (facts["events"], facts["blobs"]) == (1000, LARGE)
        came_again = facts["duplicate"] - (rig.crowd.posts - rig.crowd.taken)
        assert came_again > 0  # it was stored, and the Worker never heard so


def letters_kept(rig: EdgeRig) -> int:
    """How many dead letters lie at the edge."""
    return int(rig.office.do("status")["dead_letters"])


@pytest.fixture
def impatient(database_under_test: str) -> Iterator[EdgeRig]:
    """A rig whose Worker gives a message up after its third attempt."""
    with edge_rig(database_under_test, schemes=("github",), MAX_ATTEMPTS="3") as rig:
        yield rig


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_outlasts_every_attempt_is_a_dead_letter_and_redriven_after_the_outage(
    impatient: EdgeRig,
) -> None:
    with impatient.web_killed():
        impatient.crowd.send(3)
        wait_until(lambda: letters_kept(impatient) == 3, LETTER_SECONDS, what="three letters at the edge")
    wait_until(lambda: len(impatient.letters()) == 3, LETTER_SECONDS, what="three notices at the origin")

    letters = impatient.letters()
    redriven = impatient.office.do("redrive")
    facts = impatient.settled()

    assert {letter["reason"].partition(";")[0] for letter in letters} == {"no success in 3 attempts"}
    assert redriven == 3
    assert (facts["events"], facts["runs"], facts["dead_letters"], facts["letters"]) == (3, 3, 0, 3)
    assert letters_kept(impatient) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_poison_message_spoils_no_other_and_is_redriven_when_its_cause_is_mended(
    impatient: EdgeRig,
) -> None:
    unknown = Sender("unknown", "github", secrets.token_hex(20))
    impatient.office.do("tell_worker_alone", slug=unknown.slug, secret=unknown.secret)
    unknown.send(impatient.crowd.client)
    impatient.crowd.send(5)

    (letter,) = wait_until(impatient.letters, LETTER_SECONDS, what="the notice")
    facts = impatient.settled()
    impatient.office.do("open_source", slug=unknown.slug, scheme="github", secrets=[unknown.secret])
    impatient.crowd.senders.append(unknown)
    impatient.office.do("redrive")

    assert (facts["events"], facts["rejected"], facts["is_balanced"]) == (5, 1, True)
    assert (letter["slug"], letter["is_open"]) == ("unknown", True)
    assert "no source 'unknown'" in letter["reason"]
    mended = impatient.settled()
    assert (mended["events"], mended["runs"], mended["dead_letters"]) == (6, 6, 0)
    assert mended["is_balanced"]
    assert letters_kept(impatient) == 0


def while_sending(rig: EdgeRig, step: Callable[[], None]) -> None:
    """Take a step while every sender sends ten webhooks."""
    sent = rig.crowd.start(10)
    step()
    for done in sent:
        done.result()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_keys_of_the_edge_are_replaced_without_a_lost_event(database_under_test: str) -> None:
    with edge_rig(database_under_test, schemes=("github", "standard")) as rig:
        old = rig.system.environment["EDGE_KEYS"]
        new = f"next:{secrets.token_hex(32)}"

        while_sending(rig, lambda: rig.restart_web(EDGE_KEYS=f"{new},{old}"))
        rig.restart_worker(EDGE_KEYS=f"{new},{old}")
        while_sending(rig, lambda: rig.restart_web(EDGE_KEYS=new))
        rig.restart_worker(EDGE_KEYS=new)
        rig.crowd.send(10)

        assert nothing_was_lost(rig)["events"] == 60
        assert rig.relay.felt["401"] == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_senders_secret_is_replaced_without_a_refused_webhook(database_under_test: str) -> None:
    with edge_rig(database_under_test, schemes=("github",)) as rig:
        sender = rig.senders["github"]
        first, second = sender.secret, rig.office.do("rotate", slug="github")
        rig.office.do("sync")
        probes = (f"probe-{number}" for number in count())

        def taken_with(secret: str) -> bool:
            assert sender.is_taken_with(first, rig.crowd.client, next(probes))
            return sender.is_taken_with(secret, rig.crowd.client, next(probes))

        wait_until(lambda: taken_with(second), FRESH_SECONDS, what="the new secret to be taken")
        sender.secret = second
        rig.settled()
        rig.office.do("end_oldest_secret", slug="github")
        rig.office.do("sync")
        rig.crowd.send(10)
        wait_until(
            lambda: not sender.is_taken_with(first, rig.crowd.client, next(probes)),
            FRESH_SECONDS,
            what="the old secret to be refused",
        )

        nothing_was_lost(rig)
        assert rig.office.do("used_secrets", slug="github") == 2
