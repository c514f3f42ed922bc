"""The console's skin: name, colours, style sheets, and the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.templatetags.static import static
from django.urls import reverse_lazy

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest


def _file(name: str) -> Callable[[HttpRequest], str]:
    return lambda _request: static(f"console/{name}")


def _holders_of(permission: str, *, of_all: bool) -> Callable[[HttpRequest], bool]:
    def may(request: HttpRequest) -> bool:
        # Imported when asked: the settings that name this module are read before any model exists.
        from infra_shared.reach import reaches_all  # noqa: PLC0415 - see above

        return request.user.has_perm(permission) and (not of_all or reaches_all(request.user))

    return may


def _item(title: str, icon: str, page: str, permission: str, *, of_all: bool = False) -> dict[str, Any]:
    """One line of the menu, for holders of the permission; `of_all`: who reach every customer."""
    link = reverse_lazy(f"admin:{page}")
    return {"title": title, "icon": icon, "link": link, "permission": _holders_of(permission, of_all=of_all)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Automations",
    "SITE_HEADER": "Automations",
    "SITE_SUBHEADER": "Browser work, watched",
    "SITE_SYMBOL": "smart_toy",
    "SITE_URL": "",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("mark.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "STYLES": [_file("console.css")],
    "SCRIPTS": [_file("console.js"), _file("forms.js")],
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        },
    },
    "COMMAND": {"search_models": ["automations.automation", "automations.schedule"], "show_history": True},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {
                "items": [
                    {"title": "Overview", "icon": "space_dashboard", "link": reverse_lazy("admin:index")},
                    _item("Runs", "play_circle", "runs_run_changelist", "runs.view_run"),
                    _item("Failures", "error", "runs_failurefamily_changelist", "runs.view_failurefamily"),
                    _item(
                        "Alerts", "notifications", "infra_shared_alert_changelist", "infra_shared.view_alert"
                    ),
                ],
            },
            {
                "title": "What runs",
                "separator": True,
                "items": [
                    _item(
                        "Automations",
                        "smart_toy",
                        "automations_automation_changelist",
                        "automations.view_automation",
                    ),
                    _item(
                        "Schedules",
                        "schedule",
                        "automations_schedule_changelist",
                        "automations.view_schedule",
                    ),
                    _item(
                        "Heals",
                        "healing",
                        "automations_healproposal_changelist",
                        "automations.view_healproposal",
                        of_all=True,
                    ),
                    _item(
                        "Credentials",
                        "key_vertical",
                        "automations_credential_changelist",
                        "automations.view_credential",
                        of_all=True,
                    ),
                ],
            },
            {
                "title": "What comes in",
                "separator": True,
                "items": [
                    _item("Event inbox", "inbox", "intake_event_changelist", "intake.view_event"),
                    _item("Sources", "webhook", "intake_source_changelist", "intake.view_source"),
                    _item("Triggers", "bolt", "intake_trigger_changelist", "intake.view_trigger"),
                    _item(
                        "Dead letters",
                        "unsubscribe",
                        "intake_deadletter_changelist",
                        "intake.view_deadletter",
                    ),
                ],
            },
            {
                "title": "System",
                "separator": True,
                "items": [
                    _item("Pauses", "pause_circle", "runs_pause_changelist", "runs.view_pause"),
                    _item("Limits", "speed", "runs_limit_changelist", "runs.view_limit", of_all=True),
                    _item("Sites", "language", "runs_site_changelist", "runs.view_site", of_all=True),
                    _item(
                        "Signed-in sessions",
                        "passkey",
                        "infra_shared_signedinsession_changelist",
                        "infra_shared.view_signedinsession",
                    ),
                    _item("Nodes", "dns", "runs_node_changelist", "runs.view_node"),
                    _item("Storage", "database", "runs_storagequota_changelist", "runs.view_storagequota"),
                    _item(
                        "Retention",
                        "auto_delete",
                        "runs_retentionrule_changelist",
                        "runs.view_retentionrule",
                        of_all=True,
                    ),
                    _item("Bulk orders", "checklist", "runs_bulkorder_changelist", "runs.view_bulkorder"),
                    _item(
                        "Outbox",
                        "outbox",
                        "infra_shared_outboxmessage_changelist",
                        "infra_shared.view_outboxmessage",
                        of_all=True,
                    ),
                    _item(
                        "Alert channels",
                        "campaign",
                        "infra_shared_alertchannel_changelist",
                        "infra_shared.view_alertchannel",
                        of_all=True,
                    ),
                    _item(
                        "Customers",
                        "domain",
                        "automations_customer_changelist",
                        "automations.view_customer",
                        of_all=True,
                    ),
                    _item(
                        "API keys",
                        "vpn_key",
                        "infra_shared_apikey_changelist",
                        "infra_shared.view_apikey",
                        of_all=True,
                    ),
                    _item(
                        "Audit",
                        "fact_check",
                        "infra_shared_auditline_changelist",
                        "infra_shared.view_auditline",
                    ),
                    _item("Operators", "group", "auth_user_changelist", "auth.view_user", of_all=True),
                ],
            },
        ],
    },
}
