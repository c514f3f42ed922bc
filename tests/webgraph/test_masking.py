"""What of a page is covered in a picture, told by the browser's own words about where everything is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from infra_shared.redaction import Redactor
from webgraph.evidence.masking import Box, Hidden, secret_boxes
from webgraph.evidence.media import CoveredMedia

WORD, SHORT = "canary-Zq7xk9", "k7Q-x"
SHOP, OTHER = "https://shop.example/login", "https://other.example/"
FIRST, SECOND, THIRD = (Box(0, top, 100, 20) for top in (0, 20, 40))


class Snapshot:
    """A DOM snapshot as the browser gives it, of documents whose elements lie one below the other."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self.documents: list[dict[str, Any]] = []

    def document(self, *elements: tuple[str, str], url: str = OTHER, **more: Any) -> int:
        """One document of elements `(name, text)`; the number under which a frame names it."""
        rows = range(len(elements))
        styles = [self._text("none")] * 5
        self.documents.append(
            {
                "documentURL": self._text(url),
                "nodes": {
                    "nodeName": [self._text(name) for name, _ in elements],
                    "attributes": [[] for _ in rows],
                    "parentIndex": [-1 for _ in rows],
                },
                "layout": {
                    "nodeIndex": list(rows),
                    "text": [self._text(text) for _, text in elements],
                    "bounds": [[0, 20 * row, 100, 20] for row in rows],
                    "styles": [styles for _ in rows],
                },
                **more,
            }
        )
        return len(self.documents) - 1

    def boxes(self, *secrets: str, knowing: str = "") -> set[Box]:
        """What is covered where these are secrets, and a document of the address `knowing` was given one."""
        media = CoveredMedia()
        media.add([knowing])
        hidden = Hidden(secrets, Redactor(secrets).contains, media)
        return secret_boxes({"documents": self.documents, "strings": self.strings}, hidden)

    def _text(self, text: str) -> int:
        self.strings.append(text)
        return len(self.strings) - 1


@pytest.mark.parametrize("shown", [WORD, WORD.upper(), f"user {WORD}, signed in"])
def test_canary_is_covered_in_whatever_letters_a_page_shows_it(shown: str) -> None:
    page = Snapshot()
    page.document(("#text", "Welcome"), ("#text", shown), ("#text", "Sign out"))

    assert page.boxes(WORD) == {SECOND}


def test_canary_that_elements_cut_is_covered_in_each_of_them() -> None:
    page = Snapshot()
    page.document(("#text", f"your {WORD[:4]}"), ("#text", WORD[4:].upper()), ("#text", "is right"))

    assert page.boxes(WORD) == {FIRST, SECOND}


def test_canary_of_several_lines_is_covered_where_a_page_shows_them_as_one() -> None:
    page = Snapshot()
    page.document(("#text", "Your key:"), ("#text", f"{WORD} {WORD} end"))

    assert page.boxes(f"{WORD}\r\n{WORD}\n") == {SECOND}


def test_canary_below_eight_characters_is_covered_where_it_stands_alone() -> None:
    page = Snapshot()
    page.document(("#text", f"a{SHORT}a"), ("#text", f"pin: {SHORT}."), ("#text", SHORT[:2]))

    assert page.boxes(SHORT) == {SECOND}


def test_canary_in_a_field_is_covered_though_the_field_shows_dots() -> None:
    page = Snapshot()
    number = page.document(("INPUT", "•••••"), ("INPUT", ""))
    page.documents[number]["nodes"]["inputValue"] = {"index": [0], "value": [page._text(WORD)]}

    assert page.boxes(WORD) == {FIRST}


def test_canary_in_a_frame_is_covered_where_the_frame_shows_it() -> None:
    page = Snapshot()
    outer = page.document(("#text", "Welcome"), ("IFRAME", ""))
    inner = page.document(("#text", "."), ("#text", WORD), scrollOffsetX=0, scrollOffsetY=5)
    page.documents[outer]["nodes"]["contentDocumentIndex"] = {"index": [1], "value": [inner]}

    assert page.boxes(WORD) == {Box(0, 20 + 20 - 5, 100, 20)}


@pytest.mark.parametrize("name", ["IFRAME", "FRAME", "OBJECT", "EMBED"])
def test_a_frame_of_which_nothing_is_told_is_covered_whole(name: str) -> None:
    page = Snapshot()
    page.document(("#text", "Welcome"), (name, ""))

    assert page.boxes(WORD) == {SECOND}


@pytest.mark.parametrize(
    ("url", "covered"), [(SHOP, {FIRST, SECOND}), (OTHER, set()), ("about:srcdoc", {FIRST, SECOND})]
)
def test_paint_is_covered_on_pages_of_a_site_that_knows_a_secret_or_that_have_no_site(
    url: str, covered: set[Box]
) -> None:
    page = Snapshot()
    page.document(("CANVAS", ""), ("VIDEO", ""), ("P", ""), url=url)

    assert page.boxes(WORD, knowing=SHOP) == covered
    assert page.boxes(WORD) == set()
