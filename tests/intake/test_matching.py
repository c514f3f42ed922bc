"""Expressions over what strangers sent: what they find, and that nothing they are given takes long."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from intake.errors import ExpressionError, PayloadUnreadableError
from intake.matching.expressions import evaluate
from intake.matching.payloads import MAX_BYTES, read_payload
from intake.matching.rules import Arrival, digest_of, meet, type_fits
from intake.matching.types import type_of


@dataclass
class Rule:
    event_type: str = ""
    filter: str = ""
    mapping: str = ""


def arrival(body: object, type_: str = "push") -> Arrival:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrival(type=type_, body=content, content_type="application/json")


def test_a_mapping_makes_params_of_a_body() -> None:
    rule = Rule(
        filter="pull.draft == `false`", mapping="{url: join('', ['https://', pull.host]), count: `3`}"
    )

    meeting = meet(rule, arrival({"pull": {"draft": False, "host": "example.com"}}))

    assert meeting.params == {"url": "https://example.com", "count": 3}


@pytest.mark.parametrize(
    ("rule", "body", "matched"),
    [
        (Rule(), b"not json", True),
        (Rule(event_type="push"), {}, True),
        (Rule(event_type="pu*"), {}, True),
        (Rule(event_type="pull"), {}, False),
        (Rule(filter="a"), {"a": 0}, True),
        (Rule(filter="a"), {"a": []}, False),
        (Rule(filter="a"), {"a": ""}, False),
        (Rule(filter="a"), b"", False),
        (Rule(filter="a == 'x'"), {"a": "y"}, False),
    ],
)
def test_type_and_filter_decide_whether_an_event_matches(rule, body, matched) -> None:
    assert meet(rule, arrival(body)).matched is matched


@pytest.mark.parametrize(
    ("rule", "body", "words"),
    [
        (Rule(filter="a"), b"{", "The filter cannot be decided. The body is no JSON"),
        (Rule(filter="contains(a, 'x')"), {}, "The filter cannot be decided. "),
        (Rule(mapping="a"), {"a": "x"}, "The mapping gives no params. It returns a text"),
        (Rule(mapping="a"), {}, "It returns nothing"),
        (Rule(mapping="{a: &b}"), {}, "a reference"),
        (Rule(mapping="{a: a}"), {"a": "\0"}, "U+0000"),
        (Rule(mapping="{a: to_number(a)}"), {"a": "1e999"}, "NaN and Infinity"),
        (Rule(mapping="{a: abs(a)}"), {"a": "x"}, "abs()"),
    ],
)
def test_what_cannot_be_decided_is_a_match_with_a_problem(rule, body, words) -> None:
    meeting = meet(rule, arrival(body))

    assert meeting.matched
    assert meeting.params is None
    assert words in meeting.problem


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/cloudevents+json; charset=utf-8"]
)
def test_json_is_read_whatever_it_is_called(kind) -> None:
    assert read_payload(b' {"a": 1}', kind) == {"a": 1}


def test_forms_are_read_as_objects() -> None:
    form = "application/x-www-form-urlencoded"

    assert read_payload(b"a=1&b=2&b=&c=%20", form) == {"a": "1", "b": ["2", ""], "c": " "}
    assert read_payload(b"payload=%7B%22a%22%3A1%7D", form) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" * 900 + b"]" * 900, "deeper than"),
        (b"[" * 500_000, "deeper than"),
        (b"[" * 65 + b"]" * 65, "deeper than"),
        (b"9" * 5000, "no JSON"),
        (b"[NaN]", "NaN is not JSON"),
        (b"\xff\xfe\xfa", "no JSON"),
        (b"x" * (MAX_BYTES + 1), "bytes"),
    ],
)
def test_a_hostile_body_is_unreadable_and_nothing_more(body, words) -> None:
    with pytest.raises(PayloadUnreadableError, match=words):
        read_payload(body, "application/json")


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@,@]"] * 60),
        "|".join(["[@,@][]"] * 60),
        "|".join(["[@,@]"] * 60) + "|to_string(@)",
        "|".join(["join('',[@,@])"] * 60),
        "|".join(["{a:@,b:@}"] * 60) + "|to_string(@)",
        "[" + ",".join(["to_string(@)"] * 60) + "]|[" + ",".join(["@"] * 400) + "]|join('',[][])",
        "(" * 1000 + "@" + ")" * 1000,
        "!" * 1500 + "@",
    ],
)
def test_an_expression_that_would_grow_without_end_is_stopped(expression) -> None:
    with pytest.raises(ExpressionError, match=r"too much work|too deep"):
        evaluate(expression, "some text of a sender" * 50)


def test_a_large_body_is_searched_within_the_budget() -> None:
    items = [{"id": number, "tags": ["a", "b"], "name": "x" * 40} for number in range(10_000)]

    found = evaluate("items[?id > `9997`].{id: id, tag: tags[0]}", {"items": items})

    assert found == [{"id": 9998, "tag": "a"}, {"id": 9999, "tag": "a"}]


def test_the_same_params_have_the_same_digest_in_any_order() -> None:
    assert digest_of({"a": 1, "b": [1.5, None]}) == digest_of({"b": [1.5, None], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
    assert digest_of({"a": "\ud800"})


@pytest.mark.parametrize(
    ("wanted", "found", "fits"), [("", "", True), ("a", "a", True), ("a", "ab", False), ("a.*", "a.b", True)]
)
def test_a_star_stands_for_any_rest_of_a_type(wanted, found, fits) -> None:
    assert type_fits(wanted, found) is fits


@pytest.mark.parametrize(
    ("scheme", "place", "body", "kind"),
    [
        ("github", {}, {}, "push"),
        ("github", {"type_path": "action"}, {"action": "opened"}, "opened"),
        ("shopify", {}, {}, "orders/create"),
        ("stripe", {}, {"type": "invoice.paid"}, "invoice.paid"),
        ("slack", {}, {"type": "event_callback", "event": {"type": "message"}}, "message"),
        ("slack", {}, {"type": "url_verification"}, "url_verification"),
        ("standard", {}, b"{", ""),
        ("hmac", {}, {"type": "x"}, ""),
        ("hmac", {"type_header": "X-Kind"}, {}, "a?b"),
        ("hmac", {"type_path": "a.b"}, {"a": {"b": 7}}, ""),
    ],
)
def test_each_scheme_says_its_type_in_its_own_place(scheme, place, body, kind) -> None:
    headers = [["x-github-event", "push"], ["x-shopify-topic", "orders/create"], ["x-kind", "a\nb"]]
    places = {"type_header": "", "type_path": ""} | place

    assert type_of(scheme=scheme, **places, headers=headers, arrival=arrival(body)) == kind
