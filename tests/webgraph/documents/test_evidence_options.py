"""What a document, or a class, may say of its evidence: which pictures may be seen, what no text may hold."""

from __future__ import annotations

import pytest

from webgraph.documents.compiling import automation_from
from webgraph.documents.reading import problems_in, read_flow
from webgraph.documents.shared import SharedInMapping
from webgraph.flow import Automation, stage

FLOW = """key: shop
options: OPTIONS
stages:
  - name: look
    effect: read
    steps:
      - goto: "https://shop.example"
"""
NONE_SHARED = SharedInMapping({})


def test_a_document_says_that_its_pictures_may_be_seen_and_what_no_text_may_hold() -> None:
    text = FLOW.replace("OPTIONS", '{cover_media: false, redact_patterns: ["[0-9]{4}"]}')

    made = automation_from(read_flow(text, shared=NONE_SHARED))

    assert (made.cover_media, made.redact_patterns) == (False, ("[0-9]{4}",))
    assert made.problems() == []


def test_a_document_that_says_nothing_has_its_pictures_covered() -> None:
    made = automation_from(read_flow(FLOW.replace("OPTIONS", "{}"), shared=NONE_SHARED))

    assert (made.cover_media, made.redact_patterns) == (True, ())


@pytest.mark.parametrize("pattern", ["(?=a)b", "(a", "x*"])
def test_a_pattern_that_cannot_be_used_is_a_problem_with_its_place(pattern: str) -> None:
    text = FLOW.replace("OPTIONS", f'{{redact_patterns: ["{pattern}"]}}')

    (problem,) = problems_in(text, shared=NONE_SHARED)

    assert problem.path.startswith("options.redact_patterns")
    assert pattern in problem.message


@pytest.mark.parametrize("patterns", ["[0-9]", (5,), ("(?=a)b",), tuple(f"a{n}" for n in range(21))])
def test_patterns_of_a_class_that_cannot_be_used_keep_it_from_running(patterns: object) -> None:
    class Declared(Automation):
        key = "declared"
        redact_patterns = patterns  # type: ignore[assignment]  # what its author got wrong

        @stage(effect="read")
        async def look(self, page: object) -> None:
            """Look."""

    (problem,) = Declared.problems()
    assert "redact_patterns" in problem
