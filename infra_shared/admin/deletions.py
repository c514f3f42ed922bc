"""The ledger of deletions, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from infra_shared.admin.customers import CustomersByName
from infra_shared.models import Deletion
from infra_shared.sizes import in_words
from infra_shared.templatetags.console import NOTHING, when

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(Deletion)
class DeletionAdmin(CustomersByName):
    """What was removed, batch by batch: when, by which rule, for whom, how much."""

    list_title = "What was removed"
    list_display = ("time", "what", "rule", "whose", "rows", "size", "actor")
    list_display_links = ("time",)
    search_fields = ("what__startswith", "rule__startswith")
    search_help_text = "What or by which rule, from its beginning"
    ordering = ("-id",)
    empty_words = ("Nothing was removed yet", "Each batch that a rule removes will be a line here.")

    @admin.display(description="When")
    def time(self, line: Deletion) -> str:
        """When it went."""
        return when(line.at)

    @admin.display(description="Bytes")
    def size(self, line: Deletion) -> str:
        """The bytes in words, where they are known."""
        return in_words(line.size_bytes) if line.size_bytes else NOTHING

    def row_page(self, request: HttpRequest, line: Deletion) -> HttpResponse:
        """One line."""
        rows = [
            ("When", when(line.at)),
            ("What", line.what),
            ("Rule", line.rule),
            ("Customer", self.whose(line)),
            ("Rows", line.rows),
            ("Bytes", self.size(line)),
            ("By", line.actor),
        ]
        return self.page(request, "review/facts.html", title=str(line), rows=rows)
