"""One target is written anew; whatever else an author wrote stays as it is, to the last comment."""

from __future__ import annotations

import pytest

from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.rewriting import with_target

OLD = {"css": ["#send"], "role": "button", "name": "Send"}
NEW = {"css": ["form button", "#send"], "role": "button", "name": "Send"}
ONE = {**OLD, "css": ["form button"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('css: "#send" # why', 'css: ["form button", "#send"] # why'),
        ('css:\n      - "#send"\n      # why', 'css: ["form button", "#send"]\n      # why'),
        ('css:\n    - "#send"\n    # why', 'css: ["form button", "#send"]\n    # why'),
        ("css: ['#send'] # why", 'css: ["form button", "#send"] # why'),
    ],
    ids=("scalar", "list", "list that is not indented", "list in brackets"),
)
def test_the_selectors_change_and_comments_stay(before: str, after: str) -> None:
    text = f"# first\ntargets:\n  send:\n    {before}\n    role: button\n    name: Send # kept\nx: 1 # last\n"

    assert with_target(text, old=OLD, new=NEW) == text.replace(before, after)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: {role: button, name: Send}", 'a: {css: "form button", role: button, name: Send}'),
        (
            "a:\n  role: button # why\n  name: Send",
            'a:\n  css: "form button"\n  role: button # why\n  name: Send',
        ),
        (
            '{"a": {"role": "button",\t"name": "Send"}}',
            '{"a": {"css": "form button", "role": "button",\t"name": "Send"}}',
        ),
        (
            "a:\n- click: {role: button, name: Send}",
            'a:\n- click: {css: "form button", role: button, name: Send}',
        ),
    ],
    ids=("braces", "block", "JSON", "step"),
)
def test_a_target_without_selectors_gets_one(text: str, after: str) -> None:
    assert with_target(text, old={"role": "button", "name": "Send"}, new=ONE) == after


def test_a_frame_is_named_where_none_was() -> None:
    changed = with_target("a: {css: b}", old={"css": ["b"]}, new={"css": ["c"], "frame": "#f"})

    assert changed == 'a: {frame: "#f", css: "c"}'


def test_every_target_that_says_the_same_is_changed() -> None:
    text = "a: {css: b, called: The one}\nlist: [{css: [b]}, {css: b, name: other, role: link}]\n"

    changed = with_target(text, old={"css": ["b"]}, new={"css": ['[a="c"]']})

    assert changed == text.replace("css: b, called", r'css: "[a=\"c\"]", called').replace(
        "[b]", r'"[a=\"c\"]"'
    )


def test_a_document_without_the_target_is_left_alone() -> None:
    assert with_target("a: {css: '{{ params.row }}'}", old={"css": ["#row-1"]}, new=NEW) is None


def test_a_target_that_cannot_be_changed_in_place_is_refused() -> None:
    with pytest.raises(FlowDocumentError, match="by hand"):
        with_target("a:\n  css: |-\n    b\nx: 1", old={"css": ["b"]}, new={"css": ["c"]})
