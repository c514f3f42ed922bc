"""What an automation is: its stages, params and versions. `runs.admin` adds its runs and registers the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import Http404

from automations.admin.differences import differences
from automations.admin.flow_reference import FlowPages
from automations.forms.params import kind_in_words, resolved
from automations.forms.schemas import params_schema_of
from automations.models import AutomationKind
from automations.services.flows import DOCUMENTS
from infra_shared.templatetags.console import NOTHING, pill, words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from automations.models import Automation, AutomationVersion

VERSIONS_OFFERED = 20
EFFECTS = {
    "read": "only looks",
    "idempotent": "may be repeated without harm",
    "commit": "counts once: never repeated by the machine",
}


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One param in words."""

    name: str
    title: str
    kind: str
    is_required: bool
    default: Any
    description: str


class AutomationPages(FlowPages):
    """The list of automations, and what their pages say without knowing any run."""

    list_display: tuple[str, ...] = ("title", "state", "key", "stages_in_words", "version")
    list_display_links = ("title",)
    list_select_related = ("latest_version",)
    search_fields = ("key__startswith", "title__icontains")
    search_help_text = "Key, from its beginning, or a word of the title"
    ordering = ("title",)
    empty_words = (
        "No automation yet",
        "They are registered when a worker node starts. Write one with: manage.py automations new NAME",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """What a version changed, and the pages of flow documents."""
        return [
            *super().extra_pages(),
            ("<int:pk>/versions/<int:number>/", self.version_view, "version"),
        ]

    def version_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """One version beside the one before it, or beside `?with=` another."""
        self.require(request, "view")
        automation: Automation = self.found(request, pk)
        version = automation.versions.filter(number=number).first()
        if version is None:
            msg = f"{automation} has no version {number}."
            raise Http404(msg)
        others = automation.versions.exclude(pk=version.pk).order_by("-number")
        asked = request.GET.get("with", "")
        other = (
            others.filter(number=int(asked)).first()
            if asked.isdigit()
            else others.filter(number__lt=number).first()
        )
        return self.page(
            request,
            "review/automation/version.html",
            title=f"Version {number}",
            section=(automation.title, self.url("change", pk)),
            tools=self.version_tools(request, version),
            automation=automation,
            version=version,
            is_document=automation.kind in DOCUMENTS,
            other=other,
            others=others.values_list("number", flat=True)[:VERSIONS_OFFERED],
            differences=differences(other, version) if other is not None else [],
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Automation]:
        """Without the sources, which are long."""
        rows: QuerySet[Automation] = super().get_queryset(request)
        return rows.defer("latest_version__source")

    @admin.display(description="State")
    def state(self, automation: Automation) -> str:
        """Whether it can be run."""
        if automation.retired_at is not None:
            return pill("retired")
        if automation.kind == AutomationKind.SHARED:
            return pill("shared")
        return pill("active") if automation.latest_version_id else pill("queued", "no version")

    @admin.display(description="Stages")
    def stages_in_words(self, automation: Automation) -> str:
        """The titles of its stages."""
        version = automation.latest_version
        return " → ".join(_title(stage) for stage in version.stages) if version else NOTHING

    @admin.display(description="Version")
    def version(self, automation: Automation) -> str:
        """The number of the published version."""
        return f"v{automation.latest_version.number}" if automation.latest_version else NOTHING


def describe(version: AutomationVersion | None) -> dict[str, Any]:
    """Stages, params and limits of a version, for its automation's page."""
    if version is None:
        return {"stages": [], "params": [], "limits": []}
    options = version.options
    return {
        "stages": [
            {"title": _title(stage), "effect": stage["effect"], "means": EFFECTS.get(stage["effect"], "")}
            for stage in version.stages
        ],
        "params": param_rows(version),
        "limits": [
            ("Deadline of an attempt", options.get("deadline_seconds"), "seconds"),
            ("Attempts at most", options.get("max_attempts"), ""),
            ("At the same time", options.get("max_concurrent") or "any number", ""),
            ("Queue", options.get("queue"), ""),
            ("Evidence", options.get("evidence"), ""),
            ("Credentials", ", ".join(options.get("credentials", [])) or "none", ""),
        ],
    }


def param_rows(version: AutomationVersion) -> list[ParamRow]:
    """The params of a version in words."""
    schema = params_schema_of(version)
    required = schema.get("required", ())
    rows = []
    for name, raw in schema.get("properties", {}).items():
        spec = resolved(raw, schema)
        title, about = spec.get("title") or words(name), spec.get("description", "")
        rows.append(ParamRow(name, title, kind_in_words(spec), name in required, spec.get("default"), about))
    return rows


def _title(stage: dict[str, Any]) -> str:
    return str(stage.get("title") or words(stage["name"]))
