"""The labels that figures of several groups have."""

from __future__ import annotations

from infra_shared.figures import Label

AUTOMATION = Label("automation", named_by="the key of an automation")
QUEUE = Label("queue", named_by="the name of a run queue, as automations and WORKER_QUEUES have it")
