"""What counts as evidence that a control is the one that was used before, when others share its name."""

from __future__ import annotations

import pytest

from webgraph.fingerprint import compare, merged

KNOWN = {
    "role": "link",
    "name": "Open",
    "href": "/invoices/7",
    "href_alone": True,
    "namesakes": 3,
    "before": ["Invoice 7", "Edit", "Invoice 6"],
    "after": ["Invoice 8", "Edit", "Open"],
}
MOVED = {"before": ["Imprint"], "after": []}
SHARED = {"href_alone": False}
HALF_WAY = {"after": ["Invoice 3", "Paid", "Late"]}


@pytest.mark.parametrize(
    ("known", "seen", "same"),
    [
        (KNOWN, KNOWN | MOVED, True),
        (KNOWN, KNOWN | {"href": "/invoices/8"}, False),
        (KNOWN | SHARED, KNOWN | SHARED, True),
        (KNOWN | SHARED, KNOWN | SHARED | HALF_WAY, False),
        (KNOWN | SHARED, KNOWN | MOVED, False),
        (KNOWN, KNOWN | SHARED | MOVED, False),
    ],
    ids=(
        "its own address tells it anywhere",
        "another's address",
        "its place tells it",
        "half its place and everybody's address",
        "an address that others had",
        "an address that others have now",
    ),
)
def test_an_address_tells_namesakes_apart_only_while_none_of_them_shares_it(known, seen, same):
    assert compare(known, seen).same is same


def test_texts_that_changed_sides_do_not_speak_for_a_control_among_namesakes():
    swapped = {"before": KNOWN["after"], "after": KNOWN["before"]}

    assert compare(KNOWN | SHARED, KNOWN | SHARED).same
    assert not compare(KNOWN | SHARED, KNOWN | SHARED | swapped).same


def test_what_its_neighbour_sees_once_it_has_gone_is_not_its_own_place():
    first = KNOWN | SHARED | {"before": ["Invoice 1"], "after": ["Delete", "Invoice 2", "Open"]}
    second = (
        KNOWN
        | SHARED
        | {"before": ["Invoice 2", "Delete", "Invoice 1"], "after": ["Delete", "Invoice 3", "Open"]}
    )

    assert compare(first, first).same
    assert not compare(first, second).same


def test_a_text_that_varies_by_nature_stops_counting_and_the_others_go_on():
    monday, tuesday = (
        KNOWN | SHARED | {"before": [day, "Invoice 7", "Edit"]} for day in ("Monday", "Tuesday")
    )
    wednesday = monday | {"before": ["Wednesday", "Invoice 7", "Edit"]}

    learned = merged(merged(None, monday), tuesday)

    assert compare(learned, wednesday).score == 1.0
    assert not compare(learned, wednesday | {"before": ["Wednesday", "Invoice 9", "Copy"]}).same
