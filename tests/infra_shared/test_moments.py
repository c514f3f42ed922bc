"""Moments that callers and operators name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra_shared.moments import moment_of


@pytest.mark.parametrize("text", ["2026-11-01T00:00Z", "2026-11-01 01:00+01:00"])
def test_a_moment_is_read_with_its_offset(text: str) -> None:
    assert moment_of(text) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "no moment such as"),
        ("2026-11-01T00:00", "offset"),
        ("1969-12-31T23:59:59Z", "between 1970 and 2100"),
        ("2100-01-01T00:00:00Z", "between 1970 and 2100"),
        ("0001-01-01T00:00:00+14:00", "between 1970 and 2100"),
        ("9999-12-31T23:59:59-14:00", "between 1970 and 2100"),
    ],
)
def test_what_is_no_moment_to_work_with_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        moment_of(text)
