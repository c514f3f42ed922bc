"""What to do about an alert, in a sentence for the mail: by the kind of failure, or by what a run waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs.states import RunState
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from runs.models import Run

_LOOK = "Look at the step it ended in. Has the page changed? Then adopt the proposed heal, or mend the automation."
_BY_KIND = {
    FailureKind.NAVIGATION: "Open the address yourself. If it loads, rerun the run; if not, the site has to mend it.",
    FailureKind.TIMEOUT: "Look at the step it ended in: if the site was slow, rerun it; if not, mend the automation.",
    FailureKind.TARGET_NOT_FOUND: _LOOK,
    FailureKind.TARGET_AMBIGUOUS: "Look at the step it ended in and say more exactly which of the things is meant.",
    FailureKind.WRONG_PAGE: _LOOK,
    FailureKind.AUTH: "Check the credential, and sign in yourself: the site may want a new password or a confirmation.",
    FailureKind.BLOCKED_BY_SITE: "Do not rerun it at once. Ask the site's owner, or run it less often.",
    FailureKind.RATE_LIMITED: "Lower the limit of the site, or spread its schedules; then rerun it.",
    FailureKind.BAD_PARAMS: "Correct the params where they come from, and start a new run.",
    FailureKind.BAD_RESULT: "Compare the result with the page: the site may show something else than it used to.",
    FailureKind.BROWSER_CRASH: "Rerun it. If it crashes again, give its nodes more memory.",
    FailureKind.WORKER_LOST: "Rerun it, and look at the page of the node: did it restart, or run out of memory?",
    FailureKind.PROXY: "Check the proxy and its credential, then rerun it.",
    FailureKind.STORAGE: "Check the store of files and its free space, then rerun it.",
    FailureKind.BUG: "Show the message to whoever writes the automation; rerun it with the next version.",
}
_BY_STATE = {
    RunState.WAITING_INPUT: "Open the run and answer; until then it holds what it has.",
    RunState.EXPIRED: "It waited too long to begin. Start a node that serves its queue, then rerun it.",
    RunState.TIMED_OUT: _BY_KIND[FailureKind.TIMEOUT],
}
_OTHERWISE = "Open the run, look at its last step, and rerun it once the cause is gone."


def advice_about(run: Run) -> str:
    """What a person should do about a run that ended badly or waits."""
    if run.state == RunState.WAITING_INPUT:
        return _BY_STATE[RunState.WAITING_INPUT]
    by_kind = _BY_KIND.get(FailureKind(run.failure_kind)) if run.failure_kind else None
    return by_kind or _BY_STATE.get(RunState(run.state), _OTHERWISE)
