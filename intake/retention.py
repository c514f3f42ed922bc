"""How long the rows of `intake` stay."""

from __future__ import annotations

from infra_shared.retention import Keep, Kept

KEPT = (
    Kept(
        model="intake.Source",
        keep=Keep.BOUNDED,
        words="as many as people set up; deleted ones own their events",
    ),
    Kept(model="intake.SourceSecret", keep=Keep.BOUNDED, words="as many as people rotate"),
    Kept(model="intake.Trigger", keep=Keep.BOUNDED, words="as many as people set up"),
    Kept(
        model="intake.Event",
        keep=Keep.RULE,
        words="EVENT_DAYS once it is routed, failed or ignored; the ledger keeps its count",
        sweep="intake.services.old_events.sweep_events",
    ),
    Kept(model="intake.Match", keep=Keep.WITH_OWNER, words="with its event"),
    Kept(model="intake.Replay", keep=Keep.WITH_OWNER, words="with its event"),
    Kept(
        model="intake.IntakeLedger",
        keep=Keep.FOR_EVER,
        words="one line for each day and source: the books of what came",
    ),
    Kept(
        model="intake.DeadLetter",
        keep=Keep.RULE,
        words="90 days after it was delivered; an open one until then",
        sweep="intake.services.old_events.sweep_dead_letters",
    ),
)
