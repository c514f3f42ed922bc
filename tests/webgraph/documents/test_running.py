"""What each part of the language does on real pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.webgraph.documents.conftest import flow
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.runner import AttemptResult

pytestmark = pytest.mark.browser
HEAD = """key: job
params:
  url: {type: url}
  name: {default: Ada}
  places: {type: list, default: []}
targets:
  name: {css: "#name"}
  said: {css: "#said"}
stages:
  - name: work
    effect: read
    steps:
      - goto: "{{ params.url }}"
"""


def tried(attempt: Tried, url: str, steps: str, **params: Any) -> AttemptResult:
    return attempt(automation=flow(HEAD + steps), params={"url": url, **params})


@pytest.mark.parametrize(
    ("path", "step", "fails"),
    [
        ("/asks", '{click: {css: "#ask"}, then: {requested: "/inside?asked", method: POST}}', ""),
        (
            "/asks",
            '{click: {css: "#ask"}, then: {requested: /elsewhere}, timeout_seconds: 1}',
            "a request to",
        ),
        ("/parts", '{click: {css: "#file"}, then: {downloads: {matches: "^people"}}}', ""),
        (
            "/parts",
            '{click: {css: "#file"}, then: {downloads: .pdf}, timeout_seconds: 1}',
            "a download of .pdf",
        ),
    ],
)
def test_a_step_may_say_which_request_or_download_it_causes(
    attempt: Tried, pages: LocalPages, path, step, fails
):
    failure = tried(attempt, pages.url(path), f"      - {step}\n").failure

    assert (failure is None) is (not fails)
    assert failure is None or fails in failure.message


def test_every_acting_step_acts(attempt: Tried, pages: LocalPages):
    steps = """
      - fill: name
        with: "{{ params.name }} & Bob"
      - select: {css: "#size"}
        option: Large
      - check: {css: "#agree"}
      - upload: {css: "#file"}
        files: [{name: "{{ params.name }}.txt", text: hello}]
      - press: Tab
        on: name
      - click: {css: "#send"}
        then: {reads: said, text: "Ada & Bob l true 1"}
      - uncheck: {css: "#agree"}
      - click: {css: "#send"}
        then: {reads: said, text: {matches: "^{{ params.name }} .* false 1$"}}
      - wait_for: {expression: "document.title === '' && new Promise(done => setTimeout(() => done(true), 50))"}
      - expect: {target: said, text: "{{ params.name }}", url: /form}
"""
    assert tried(attempt, pages.url("/form"), steps).failure is None
    assert attempt.memory.intents[-1].action == "expect"


def test_what_is_read_is_kept_and_becomes_the_result(attempt: Tried, pages: LocalPages):
    steps = """
      - extract_table: {css: "#people"}
        into: people
      - extract_list: {css: "#people tbody"}
        each: tr
        fields: {name: "td:first-child", age: "td:last-child"}
        into: again
      - extract_fields: {css: body}
        fields: {heading: h1, link: "#file@href"}
        into: page
      - text: {css: h1}
        pick: "^(P).*"
        add_to: letters
      - text: {css: h1}
        add_to: letters
      - download: {css: "#file"}
        into: file
result:
  people: {type: list, value: "{{ state.people }}", items: {age: {from: Age, type: integer, min: 18}}}
  again: {type: list, value: "{{ state.again }}"}
  page: {type: object, value: "{{ state.page }}", items: {link: {}}}
  letters: {type: list, value: "{{ state.letters }}"}
  file: {value: "{{ state.file.name }} {{ state.file.size_bytes }}"}
"""
    assert tried(attempt, pages.url("/parts"), steps).result == {
        "people": [{"age": 36}, {"age": 41}],
        "again": [{"name": "Ada", "age": "36"}, {"name": "Bob", "age": "41"}],
        "page": {"link": "/file.csv"},
        "letters": ["P", "Parts"],
        "file": "people.csv 16",
    }


def test_a_dialog_is_answered_as_the_step_says(attempt: Tried, pages: LocalPages):
    steps = """
      - click: {css: "#ask"}
        then: {reads: said, text: "false"}
      - click: {css: "#ask"}
        dialog: accept
        then: {reads: said, text: "true"}
"""
    assert tried(attempt, pages.url("/form"), steps).failure is None


def test_a_window_that_opens_is_worked_in_and_closed(attempt: Tried, pages: LocalPages):
    steps = """
      - popup: {css: "#popup"}
        steps:
          - text: {css: "#word"}
            into: word
      - expect: {target: {css: h1}, text: Parts}
result:
  word: {value: "{{ state.word }}", enum: [inside]}
"""
    assert tried(attempt, pages.url("/parts"), steps).result == {"word": "inside"}


def test_a_row_that_does_not_fit_fails_the_run_and_is_named(attempt: Tried, pages: LocalPages):
    steps = """
      - extract_table: {css: "#people"}
        into: people
result:
  people: {type: list, value: "{{ state.people }}", items: {age: {from: Age, type: integer, min: 40}}}
"""
    failure = tried(attempt, pages.url("/parts"), steps).failure

    assert failure is not None
    assert failure.kind is FailureKind.BAD_RESULT
    assert "people.0.age: Input should be greater than or equal to 40" in failure.message


def test_steps_are_made_once_for_each_entry(attempt: Tried, pages: LocalPages):
    steps = """
      - for_each: "{{ params.places }}"
        as: place
        most: 3
        steps:
          - fill: name
            with: "in {{ place }}"
            when: {value: "{{ place }}", not_equals: Oslo}
"""
    assert tried(attempt, pages.url("/form"), steps, places=["Riga", "Oslo", "Bern"]).failure is None
    filled = [step.description for step in attempt.memory.intents if step.action == "fill"]
    assert filled == ["Fill #name with “in Riga”", "Fill #name with “in Bern”"]


def test_more_entries_than_allowed_fail_before_the_first(attempt: Tried, pages: LocalPages):
    steps = """
      - for_each: "{{ params.places }}"
        as: place
        most: 1
        steps: [{press: "{{ place }}"}]
"""
    failure = tried(attempt, pages.url("/form"), steps, places=["a", "b"]).failure

    assert failure is not None
    assert (failure.kind, "more than `most` allows (1)" in failure.message) == (FailureKind.BAD_RESULT, True)
    assert [step.action for step in attempt.memory.intents] == ["goto"]


@pytest.mark.parametrize(
    ("when", "made"),
    [
        ('{visible: name}', True),
        ('{hidden: name}', False),
        ('{hidden: {css: "#nobody"}}', True),
        ('{value: "{{ params.name }}", equals: Ada}', True),
        ('{value: "{{ params.name }}", in: [Bob, Eve]}', False),
        ('{value: "{{ params.name }}", contains: da}', True),
        ('{value: "{{ params.places }}", contains: Riga}', True),
        ('{value: "{{ params.places }}", empty: true}', False),
        ('{value: "{{ state.answer.status }}", equals: 200}', True),
        ('{value: "{{ state.answer.status }}", above: 200}', False),
        ('{value: "{{ state.answer.status }}", below: 200.5}', True),
    ],
)  # fmt: skip
def test_a_step_is_made_only_when_its_condition_holds(
    attempt: Tried, pages: LocalPages, when: str, made: bool
):
    steps = f"""
      - goto: "{{{{ params.url }}}}"
        into: answer
      - press: Tab
        when: {when}
"""
    assert tried(attempt, pages.url("/form"), steps, places=["Riga"]).failure is None
    assert ("press" in [step.action for step in attempt.memory.intents]) is made


def test_a_value_cannot_break_out_of_a_selector(attempt: Tried, pages: LocalPages):
    steps = """
      - wait_for: {disappears: {css: "input[id='{{ params.name }}']"}}
"""
    assert tried(attempt, pages.url("/form"), steps, name="x'], #name, [id='y").failure is None


def test_a_value_with_quotes_is_refused_where_nothing_escapes_them(attempt: Tried, pages: LocalPages):
    steps = """
      - click: {xpath: "//input[@id='{{ params.name }}']"}
"""
    failure = tried(attempt, pages.url("/form"), steps, name="x' or '1").failure

    assert failure is not None
    assert (failure.kind, "describe the target by css" in failure.message) == (FailureKind.BAD_PARAMS, True)


def test_a_declared_failure_has_its_kind_and_words(attempt: Tried, pages: LocalPages):
    steps = """
      - fail: rate_limited
        because: "{{ params.name }} was here"
"""
    failure = tried(attempt, pages.url("/form"), steps).failure

    assert failure is not None
    assert (failure.kind, failure.message, failure.permanent) == (
        FailureKind.RATE_LIMITED, "Ada was here", False,
    )  # fmt: skip


def test_an_address_param_is_the_same_with_and_without_its_slash(attempt: Tried, pages: LocalPages):
    steps = """
      - goto: "{{ params.url }}/form"
"""
    tried(attempt, pages.url("/"), steps)

    assert attempt.memory.intents[-1].description == f"Open {pages.url('/form')}"
