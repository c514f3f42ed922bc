"""The reference of flow documents, to be read beside the editor."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from automations.admin.flow_import import FlowImportPages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse
    from markdown_it.token import Token

PAGE = "flows.md"


class FlowPages(FlowImportPages):
    """All pages of flow documents."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The reference."""
        return [*super().extra_pages(), ("flows/reference/", self.flow_reference_view, "flow_reference")]

    def flow_reference_view(self, request: HttpRequest) -> HttpResponse:
        """docs/flows.md as a page of the console, for everybody who sees automations."""
        self.require(request, "view")
        chapters, body = reference_page()
        return self.page(
            request, "review/flow/reference.html", title="Flow documents", chapters=chapters, body=body
        )


@cache
def reference_page() -> tuple[list[tuple[str, str]], SafeString]:
    """The chapters of docs/flows.md, each with its anchor, and the whole as HTML."""
    text = (settings.BASE_DIR / "docs" / PAGE).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines()[1:] if not line.startswith("<!--")]
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse("\n".join(lines))
    chapters = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = f"part-{opening.map[0] if opening.map else 0}"
            opening.attrSet("id", anchor)
            if opening.tag == "h2":
                chapters.append((anchor, inline.content.replace("`", "")))
        elif opening.type == "table_open":
            opening.attrSet("class", "c-table")
        elif opening.type == "inline":
            opening.children = _without_dead_links(opening.children or [])
    # Our own file, and whatever HTML stands in it comes out as text.
    return chapters, mark_safe(reader.renderer.render(tokens, reader.options, {}))  # noqa: S308 - see above


def _without_dead_links(tokens: Sequence[Token]) -> list[Token]:
    """The words of links that lead nowhere from here: other files of the documentation are not served."""
    kept: list[Token] = []
    is_dead = False
    for token in tokens:
        if token.type == "link_open":
            is_dead = not str(token.attrGet("href")).startswith(("https://", "#"))
        if not (is_dead and token.type in ("link_open", "link_close")):
            kept.append(token)
    return kept
