"""A document in words, as somebody reads it before it is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.webgraph.documents.conftest import FLOWS
from webgraph.documents import steps as kinds
from webgraph.documents import words
from webgraph.documents.outline import outline
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.shared import SharedInFolder

SHARED = SharedInFolder(FLOWS)
RECORDED = Path(__file__).parent / "recordings" / "paid-invoices.json"
NESTED = """key: look
credentials: [shop]
params: {city: {enum: [Riga, Oslo]}, day: {type: date, optional: true}}
stages:
  - name: look
    effect: read
    when: {value: "{{ params.city }}", in: [Riga]}
    steps:
      - extract_list: {css: ul}
        each: a
        fields: {href: "a@href"}
        into: links
      - for_each: "{{ state.links }}"
        as: link
        steps:
          - goto: "{{ link.href }}"
          - click: {role: button, name: Next}
            then: {url: {matches: "page=2"}}
            when: {hidden: {css: "#end"}}
"""


def test_each_step_is_a_sentence_with_its_line_and_its_depth() -> None:
    (stage,) = outline(NESTED).stages

    assert (stage.title, stage.effect, stage.line) == ("Look", "read", 5)
    assert stage.when == "{{ params.city }} is one of Riga"
    assert [(step.line, step.depth, step.words) for step in stage.steps] == [
        (9, 0, "Read the entries of ul → links"),
        (13, 0, "For each link of {{ state.links }}:"),
        (16, 1, "Open {{ link.href }}"),
        (17, 1, "If #end is not visible: click “Next”; then the address matches page=2"),
    ]


def test_params_credentials_and_result_are_named_with_what_they_take() -> None:
    made = outline((FLOWS / "create-invoice.yaml").read_text(), shared=SHARED)

    assert ("currency", "one of EUR, USD, GBP", "else EUR") in [
        (row.name, row.kind, row.remark) for row in made.params
    ]
    assert made.credentials == ("practice-shop",)
    assert [row.name for row in made.result] == ["number"]
    assert [row.remark for row in outline(NESTED).params] == ["needed", "may be left out"]


def test_stages_of_a_shared_document_say_where_they_come_from_and_have_no_lines_here() -> None:
    made = outline((FLOWS / "read-invoices.yaml").read_text(), shared=SHARED)

    taken, *own = made.stages
    assert (taken.included, list(made.included)) == ("sign-in-to-shop", ["sign-in-to-shop"])
    assert {step.line for step in taken.steps} == {None}
    assert all(step.line for stage in own for step in stage.steps)


def test_a_shared_document_has_an_outline_too() -> None:
    made = outline((FLOWS / "sign-in-to-shop.yaml").read_text())

    assert made.is_shared
    assert made.step_count > 5


def test_every_kind_of_step_has_words() -> None:
    assert set(words._SENTENCES) == set(kinds.STEPS.values())


def test_a_document_with_problems_has_none() -> None:
    with pytest.raises(FlowDocumentError):
        outline(NESTED.replace("state.links", "state.rows"))
