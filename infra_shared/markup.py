"""Finding a secret that markup cuts in two, such as `can<b>ary</b>`: on the screen it can be read as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra_shared.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra_shared.redaction import Redactor

# What a browser writes of a document: comments, the elements whose content is no text, then any other tag.
_HTML = re.compile(
    r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>|<[!/?a-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.IGNORECASE | re.DOTALL,
)
# Between two texts of an accessibility tree: the end of one line and the role that begins the next.
_TREE = re.compile(r"(?:\"(?: \[[^\]\n]*\])*)?:?\n[ ]*- /?[\w-]+(?: \[[^\]\n]*\])*:?[ ]?\"?")


def without_cut_secrets(html: str, redactor: Redactor) -> str:
    """The HTML or XML without the secrets that its tags cut; each becomes one mask, and the tags stay."""
    return _mended(html, _HTML, redactor)


def tree_without_cut_secrets(tree: str, redactor: Redactor) -> str:
    """The same for an accessibility tree in YAML, whose lines cut what the page shows as one word."""
    return _mended(tree, _TREE, redactor)


def visible_text(html: str) -> str:
    """Everything that is no tag, in one piece and still escaped."""
    return _HTML.sub("", html)


def masked(texts: Sequence[str], redactor: Redactor) -> list[str]:
    """The texts without the secrets that stand in them one after the other, wherever they are cut."""
    spans = redactor.spans("".join(texts))
    return _masked(texts, spans) if spans else list(texts)


def _mended(markup: str, between: re.Pattern[str], redactor: Redactor) -> str:
    if not redactor:
        return markup
    tags = [found.span() for found in between.finditer(markup)]
    starts, ends = [0, *(end for _, end in tags)], [*(start for start, _ in tags), len(markup)]
    texts = [markup[start:end] for start, end in zip(starts, ends, strict=True)]
    spans = redactor.spans("".join(texts))
    if not spans:
        return markup
    clean = _masked(texts, spans)
    pieces = [clean[0]]
    for (start, end), text in zip(tags, clean[1:], strict=True):
        pieces += [markup[start:end], text]
    return "".join(pieces)


def _masked(texts: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[str]:
    """Each text without its share of the spans of all of them together; the mask stands where a span begins."""
    clean, at, number = [], 0, 0
    for text in texts:
        end, pieces, done = at + len(text), [], at
        while number < len(spans) and spans[number][0] < end:
            start, stop = spans[number]
            if start >= at:
                pieces += [text[done - at : start - at], MASK]
            done = min(stop, end)
            if stop > end:
                break
            number += 1
        pieces.append(text[done - at :])
        clean.append("".join(pieces))
        at = end
    return clean
