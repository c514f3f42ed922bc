"""A run as the call that asks for the same over the API."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from runs.models import RunImport
from runs.states import Cause

if TYPE_CHECKING:
    from runs.models import Run


def api_call(run: Run, url: str) -> str:
    """The call for a shell, ready to be pasted; the key is read from the environment and never written here."""
    body = {"automation": _automation_key(run), "params": run.params, "customer": run.customer.key}
    return " \\\n  ".join(
        (
            f"curl -X POST {shlex.quote(url)}",
            '-H "X-API-Key: $API_KEY"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        )
    )


def _automation_key(run: Run) -> str:
    """The key it can be asked for by; an imported run stands under one that nothing runs."""
    if run.cause == Cause.IMPORT:
        return str(RunImport.objects.get(run=run).about["automation"])
    return run.automation.key
