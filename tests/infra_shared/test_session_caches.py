"""Both caches of signed-in sessions keep the same promises."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection, connections

from infra_shared.clock import utc_now
from infra_shared.database import when_reachable
from infra_shared.models import SignedInSession
from infra_shared.sessions import rules
from infra_shared.sessions.django_cache import DjangoSessionCache
from infra_shared.sessions.file_cache import FileSessionCache
from infra_shared.sessions.protocol import SessionCacheError
from infra_shared.sessions.rules import (
    NEVER,
    Busy,
    Granted,
    Guard,
    LockedOut,
    Ready,
    Record,
    SessionKey,
    Wish,
)
from infra_shared.tasks import erase_old_sessions

KEY = SessionKey("acme", "https://shop.example", "buyer/1")
STATE = {"storage_state": {"cookies": [{"name": "sid", "value": "canary-5317"}]}}
GUARD = Guard(most_failures=2, lockout=timedelta(hours=1))
DAY = timedelta(days=1)


@pytest.fixture(params=["file", "django"])
def cache(request, tmp_path):
    """Each implementation in turn."""
    if request.param == "file":
        return FileSessionCache(tmp_path / "sessions")
    return DjangoSessionCache()


def wish(holder="a", *, lease=DAY, max_age=DAY, saw=NEVER) -> Wish:
    return Wish(holder=holder, lease=lease, max_age=max_age, saw=saw)


def sign_in(cache, key=KEY, holder="a", saw=NEVER) -> int:
    granted = cache.ask(key, wish(holder, saw=saw))
    assert isinstance(granted, Granted)
    assert cache.store(key, fence=granted.fence, state=STATE)
    return granted.fence


@pytest.mark.django_db(transaction=True)
class TestEverySessionCache:
    def test_what_a_login_stored_is_read_until_it_is_too_old(self, cache):
        fence = sign_in(cache)

        kept = cache.read(KEY, max_age=DAY)

        assert kept is not None
        assert (kept.state, kept.generation) == (STATE, fence)
        assert cache.ask(KEY, wish("b")) == Ready()
        assert cache.read(KEY, max_age=timedelta()) is None
        assert isinstance(cache.ask(KEY, wish("b", max_age=timedelta())), Granted)

    def test_a_state_is_erased_once_it_is_too_old_for_everybody_who_wanted_it(self, cache):
        sign_in(cache)
        assert not cache.expire(KEY)

        cache.ask(KEY, wish(max_age=timedelta()))
        cache.give_up(KEY, holder="a", failure="", guard=GUARD)
        assert not cache.expire(KEY), "somebody else still wants it for a day"

        other = SessionKey("acme", KEY.site, "another")
        cache.ask(other, wish(max_age=timedelta()))
        cache.store(other, fence=1, state=STATE)
        assert cache.expire(other)
        assert cache.look(other).stored_at is None

    def test_a_session_is_never_given_to_another_customer_site_or_account(self, cache):
        sign_in(cache)

        for other in (("other", KEY.site, KEY.account), (KEY.customer, "x", KEY.account), (*KEY_PARTS, "2")):
            assert cache.read(SessionKey(*other), max_age=DAY) is None

    def test_single_flight_grants_one_login_to_many_who_ask_at_once(self, cache):
        def asked(number: int):
            try:
                return when_reachable(
                    lambda: cache.ask(KEY, wish(f"holder {number}")), up_to=timedelta(seconds=20)
                )
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(asked, range(16)))

        (granted,) = [answer for answer in answers if isinstance(answer, Granted)]
        assert sum(isinstance(answer, Busy) for answer in answers) == 15
        assert cache.store(KEY, fence=granted.fence, state=STATE)

    def test_a_login_whose_lease_ended_is_handed_over_and_cannot_store_any_more(self, cache):
        first = cache.ask(KEY, wish("a", lease=timedelta()))
        second = cache.ask(KEY, wish("b"))

        assert (first, second) == (Granted(1), Granted(2))
        assert not cache.extend(KEY, fence=1, lease=DAY)
        assert not cache.store(KEY, fence=1, state=STATE)
        assert cache.read(KEY, max_age=DAY) is None
        assert cache.store(KEY, fence=2, state=STATE)

    def test_a_session_found_invalid_is_forgotten_by_who_signs_in_again(self, cache):
        stale = sign_in(cache)

        assert isinstance(cache.ask(KEY, wish("b", saw=stale)), Granted)
        assert cache.read(KEY, max_age=DAY) is None
        assert isinstance(cache.ask(KEY, wish("c", saw=stale)), Busy)

        cache.store(KEY, fence=cache.look(KEY).fence, state=STATE)
        assert cache.ask(KEY, wish("c", saw=stale)) == Ready()

    def test_failed_logins_lock_the_session_until_it_is_released(self, cache):
        for locks in (False, True):
            cache.ask(KEY, wish("a"))
            assert cache.give_up(KEY, holder="a", failure="wrong password", guard=GUARD) is locks

        locked = cache.ask(KEY, wish("b"))
        assert isinstance(locked, LockedOut)
        assert (locked.failures, locked.last_failure) == (2, "wrong password")
        assert cache.release(KEY)
        assert isinstance(cache.ask(KEY, wish("b")), Granted)
        assert not cache.release(KEY)

    def test_a_login_given_up_for_another_reason_is_no_failure(self, cache):
        cache.ask(KEY, wish("a"))

        assert cache.give_up(KEY, holder="other", failure="x", guard=GUARD) is None
        assert cache.give_up(KEY, holder="a", failure="", guard=GUARD) is False
        assert cache.look(KEY).failures == 0
        assert isinstance(cache.ask(KEY, wish("b")), Granted)

    def test_a_state_that_cannot_be_kept_ends_the_login_and_says_why(self, cache):
        granted = cache.ask(KEY, wish("a"))

        assert cache.note_obstacle(KEY, fence=granted.fence, reason="IndexedDB holds a CryptoKey")
        assert cache.look(KEY).obstacle == "IndexedDB holds a CryptoKey"
        assert cache.read(KEY, max_age=DAY) is None
        assert isinstance(cache.ask(KEY, wish("b")), Granted)

    def test_an_invalidated_session_is_gone(self, cache):
        sign_in(cache)

        assert cache.invalidate(KEY)
        assert cache.read(KEY, max_age=DAY) is None
        assert not cache.invalidate(KEY)


KEY_PARTS = (KEY.customer, KEY.site)


def test_a_lock_that_ended_lets_one_login_be_tried_and_each_failure_locks_for_longer():
    record, now, locked = Record(), utc_now(), []

    for _ in range(4):
        record, answer = rules.ask(record, wish("a"), now)
        assert isinstance(answer, Granted)
        record, _ = rules.give_up(record, "a", "wrong password", GUARD, now)
        locked.append((record.locked_until or now) - now)
        now += timedelta(days=2)

    assert locked == [timedelta(hours=hours) for hours in (0, 1, 2, 4)]
    assert Guard().pause_after(1000) == timedelta(days=1)


def test_the_name_of_a_key_says_all_of_it():
    assert SessionKey.named(KEY.name) == KEY
    with pytest.raises(ValueError, match="CUSTOMER/SITE/ACCOUNT"):
        SessionKey.named("acme/shop")


def test_a_session_in_a_file_is_encrypted_and_its_owners_alone(tmp_path):
    sign_in(FileSessionCache(tmp_path))

    for path in tmp_path.iterdir():
        assert b"canary-5317" not in path.read_bytes()
        assert b"buyer" not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SessionCacheError, match="another key"):
        FileSessionCache(tmp_path, key=Fernet.generate_key().decode()).read(KEY, max_age=DAY)


def test_a_session_in_the_database_is_encrypted(db):
    sign_in(DjangoSessionCache())

    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM infra_shared_signedinsession")
        (stored,) = cursor.fetchone()
    assert stored.startswith("fernet:")
    assert "canary-5317" not in stored
    kept = SignedInSession.objects.get().state
    assert kept is not None
    assert kept.reveal() == STATE


@pytest.mark.django_db
def test_a_chore_erases_the_states_that_nobody_will_use_again():
    cache = DjangoSessionCache()
    old = SessionKey("acme", KEY.site, "old")
    sign_in(cache)
    cache.ask(old, wish(max_age=timedelta()))
    cache.store(old, fence=1, state=STATE)

    assert erase_old_sessions() == 1

    kept = {row.account: row.state for row in SignedInSession.objects.all()}
    assert kept["old"] is None
    assert kept[KEY.account] is not None
