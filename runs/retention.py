"""How long the rows of `runs` stay."""

from __future__ import annotations

from infra_shared.retention import Keep, Kept

KEPT = (
    Kept(
        model="runs.Run",
        keep=Keep.RULE,
        words="by the rules of retention: 365 days; never less than 7",
        sweep="runs.services.old_runs.sweep_runs",
    ),
    Kept(model="runs.Attempt", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.AttemptStage", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.Step", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.Transition", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.Question", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.Demand", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.RunImport", keep=Keep.WITH_OWNER, words="with its run"),
    Kept(model="runs.RunSecrets", keep=Keep.WITH_OWNER, words="erased when its run ends"),
    Kept(model="runs.Slot", keep=Keep.WITH_OWNER, words="with its attempt, whose end frees it"),
    Kept(
        model="runs.Checkpoint",
        keep=Keep.RULE,
        words="until its run succeeds, or ends while it holds a secret param; else CHECKPOINT_DAYS after its end; chore erase-old-checkpoints",
    ),
    Kept(
        model="runs.Artifact",
        keep=Keep.RULE,
        words="by the rules of retention, by kind and by how the run ended",
        sweep="runs.services.old_artifacts.sweep_artifacts",
    ),
    Kept(
        model="runs.CommitGuard",
        keep=Keep.FOR_EVER,
        words="what happened once must never happen again; the id of a removed run stays as text",
    ),
    Kept(
        model="runs.Occurrence",
        keep=Keep.RULE,
        words="with its run; 365 days where it has none",
        sweep="runs.services.old_rows.sweep_occurrences",
    ),
    Kept(
        model="runs.BulkOrder",
        keep=Keep.RULE,
        words="90 days after it was finished",
        sweep="runs.services.old_rows.sweep_bulk_orders",
    ),
    Kept(model="runs.BulkItem", keep=Keep.WITH_OWNER, words="with its order, or its run"),
    Kept(
        model="runs.HourFigures",
        keep=Keep.RULE,
        words="750 days: charts outlive the runs they count",
        sweep="runs.services.old_rows.sweep_figures",
    ),
    Kept(model="runs.AutomationHealth", keep=Keep.BOUNDED, words="one for each automation and customer"),
    Kept(
        model="runs.FailureFamily",
        keep=Keep.RULE,
        words="365 days after it was last seen",
        sweep="runs.services.old_rows.sweep_families",
    ),
    Kept(
        model="runs.StorageDay",
        keep=Keep.RULE,
        words="400 days, and as long as files of that day are kept",
        sweep="runs.services.quotas.sweep_over_quota",
    ),
    Kept(model="runs.StorageQuota", keep=Keep.BOUNDED, words="at most one for each customer"),
    Kept(model="runs.RetentionRule", keep=Keep.BOUNDED, words="one for each kind, end and customer at most"),
    Kept(model="runs.Limit", keep=Keep.BOUNDED, words="as many as people set"),
    Kept(model="runs.Pause", keep=Keep.BOUNDED, words="as many as people begin and do not end"),
    Kept(model="runs.Site", keep=Keep.BOUNDED, words="one for each site that automations open"),
    Kept(
        model="runs.Node", keep=Keep.RULE, words="two days after it was last heard of; chore forget-old-nodes"
    ),
    Kept(model="runs.WorkerProcess", keep=Keep.WITH_OWNER, words="with its node"),
    Kept(
        model="runs.DispatcherProcess",
        keep=Keep.RULE,
        words="with its node; one by itself an hour after its last tick; chore forget-old-nodes",
    ),
)
