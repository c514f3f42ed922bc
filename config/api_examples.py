"""An example of each body that the API takes, for its reference; a test sends every one through its schema."""

from __future__ import annotations

from typing import Any

_SCHEDULE = {
    "name": "Invoices every morning",
    "automation": "page-snapshot",
    "params": {"url": "https://example.com/?day={{ fire_at - 1 day:%Y-%m-%d }}"},
    "kind": "cron",
    "cron": "30 6 * * 1-5",
    "time_zone": "Europe/Berlin",
    "overlap": "skip",
}
_TRIGGER = {
    "source": "github-shop",
    "name": "Look at each push to main",
    "event_type": "push",
    "filter": "ref == 'refs/heads/main'",
    "mapping": "{url: head_commit.url}",
    "automation": "page-snapshot",
}
_FAILED = {"states": ["failed", "timed_out"], "automation": "page-snapshot"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "create_run": {"automation": "page-snapshot", "params": {"url": "https://example.com/"}},
    "cancel_run": {"reason": "Ordered by mistake."},
    "rerun_run": {"params": {"url": "https://example.com/elsewhere"}},
    "bulk_cancel": {"filter": {"automation": "page-snapshot"}, "dry_run": True, "reason": "Wrong address."},
    "bulk_rerun": {"filter": _FAILED | {"created_after": "2026-11-23T00:00:00Z"}, "dry_run": True},
    "give_input": {"answer": {"code": "246810"}},
    "begin_pause": {"scope": "site:https://shop.example", "reason": "The shop is being moved."},
    "acknowledge_alert": {"note": "The shop changed its menu; I look at it."},
    "mute_alert": {"until": "2026-12-01T08:00:00+01:00", "reason": "The shop is being moved."},
    "create_schedule": _SCHEDULE,
    "change_schedule": {"cron": "0 7 * * 1-5"},
    "pause_schedule": {"reason": "Holidays."},
    "backfill_schedule": {"begin": "2026-11-01T00:00:00Z", "end": "2026-11-08T00:00:00Z", "dry_run": True},
    "replay_one_event": {"reason": "The trigger was wrong."},
    "replay_many_events": {"filter": {"source": "github-shop", "state": "failed"}, "dry_run": True},
    "create_source": {"slug": "github-shop", "name": "GitHub, shop", "scheme": "github"},
    "change_source": {"is_enabled": False},
    "rotate_source_secret": {"overlap_seconds": 86_400},
    "create_trigger": _TRIGGER,
    "change_trigger": {"filter": "ref == 'refs/heads/release'"},
    "try_trigger": _TRIGGER,
}
"""By the name of the endpoint's function, which is its operation id."""
