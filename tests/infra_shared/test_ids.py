"""Identifiers are unique, ordered, and as the specification writes them."""

from __future__ import annotations

import os
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from infra_shared import ids


def test_a_uuid7_carries_version_variant_and_the_time_in_milliseconds():
    before = time.time_ns() // 1_000_000

    made = ids.uuid7()

    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_uuids_grow_also_inside_one_millisecond():
    made = [ids.uuid7() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_uuids_keep_growing_when_the_clock_is_set_back(monkeypatch):
    first = ids.uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert ids.uuid7() > first


def test_threads_never_get_the_same_uuid():
    with ThreadPoolExecutor(8) as pool:
        batches = pool.map(lambda _: [ids.uuid7() for _ in range(2_000)], range(8))

    made = [one for batch in batches for one in batch]
    assert len(set(made)) == 16_000


def test_a_forked_child_does_not_continue_its_parents_counter(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)  # the same millisecond for both
    parent = ids.uuid7()
    read_end, write_end = os.pipe()

    child_pid = os.fork()
    if child_pid == 0:
        os.write(write_end, ids.uuid7().bytes)
        os._exit(0)
    os.waitpid(child_pid, 0)
    child = uuid.UUID(bytes=os.read(read_end, 16))

    os.close(read_end)
    os.close(write_end)
    assert (child.int >> 32) - (parent.int >> 32) != 1  # without the 32 random bits at the end


def test_a_random_token_is_letters_and_digits_of_the_length_asked():
    assert re.fullmatch(r"[0-9A-Za-z]{43}", ids.random_token(43))
    assert ids.random_token(20) != ids.random_token(20)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_base62_is_unique_and_of_constant_width_for_every_crc(number):
    written = ids.base62(number, width=6)

    assert len(written) == 6
    assert sum(ids._ALPHABET.index(c) * 62**at for at, c in enumerate(reversed(written))) == number


def test_ids_of_past_moments_are_ordered_by_them() -> None:
    earlier = datetime(2026, 3, 1, tzinfo=UTC)
    later = earlier + timedelta(milliseconds=1)

    assert ids.uuid7_floor(earlier) <= ids.uuid7_at(earlier) < ids.uuid7_floor(later) <= ids.uuid7_at(later)
