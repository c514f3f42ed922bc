"""What a request asks, as a digest: the same idempotency key with another digest is another request.

Secret params enter it by a keyed hash alone. A plain digest of a short secret would tell it to whoever reads the row and
tries them all.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from automations.services.params import secret_params_of
from infra_shared.keyed_digests import keyed_digests
from infra_shared.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion
    from runs.models import Run
    from runs.services.requests import RunRequest

_PURPOSE = "secret params of a request for a run"


def digests_of(*, request: RunRequest, rerun_of: Run | None, version: AutomationVersion) -> Iterator[str]:
    """The digest to keep of a request, then the others it could have been kept under before a key was rotated.

    `version` says which params are secret: the one that will run, or the one of the run that is compared with.
    """
    params = request.whole_params
    secrets = {name: params[name] for name in secret_params_of(version) & params.keys()}
    asked = {
        "automation": request.automation,
        "params": params | dict.fromkeys(secrets, MASK),
        "customer": request.customer,
        "evidence_level": request.evidence_level,
        "version": request.version.pk if request.version else None,
        "due_at": request.due_at.isoformat() if request.due_at else None,
        "priority": request.priority,
        "from_stage": request.from_stage,
        "rerun_of": rerun_of.pk if rerun_of else None,
    }
    if not secrets:
        yield _plain(asked)
        return
    for keyed in keyed_digests(_canonical(secrets), purpose=_PURPOSE):
        yield _plain(asked | {"secrets": keyed})


def _plain(asked: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(asked)).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode()
