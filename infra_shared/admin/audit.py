"""The audit log, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from infra_shared.admin.customers import CustomersByName
from infra_shared.models import AuditLine
from infra_shared.templatetags.console import NOTHING, pretty_json, when, words

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(AuditLine)
class AuditAdmin(CustomersByName):
    """Who did what, when and why."""

    list_title = "Audit log"
    list_display = ("time", "actor", "deed", "thing", "whose", "why")
    list_display_links = ("time",)
    search_fields = ("actor__startswith", "object_id__startswith", "action__startswith")
    search_help_text = "Actor, action or id, from its beginning"
    ordering = ("-id",)
    empty_words = (
        "Nobody did anything yet",
        "Every action of an operator, a key or a command will stand here.",
    )

    @admin.display(description="When")
    def time(self, line: AuditLine) -> str:
        """When it happened."""
        return when(line.at)

    @admin.display(description="Action")
    def deed(self, line: AuditLine) -> str:
        """What was done, in words."""
        return words(line.action.replace(".", " "))

    @admin.display(description="What")
    def thing(self, line: AuditLine) -> str:
        """What it was done to."""
        return f"{words(line.object_kind)} {line.object_id}"

    @admin.display(description="Reason")
    def why(self, line: AuditLine) -> str:
        """The reason given."""
        return line.reason or NOTHING

    def row_page(self, request: HttpRequest, line: AuditLine) -> HttpResponse:
        """One line with all its details."""
        rows = [
            ("When", when(line.at)),
            ("Actor", line.actor),
            ("Action", line.action),
            ("What", f"{line.object_kind} {line.object_id}"),
            ("Customer", self.whose(line)),
            ("Reason", line.reason),
        ]
        details = pretty_json(line.details) if line.details else ""
        return self.page(request, "review/facts.html", title="Audit line", rows=rows, details=details)
