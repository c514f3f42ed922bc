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
    from collections.abc import Iterator, Mapping

    from automations.models import AutomationVersion

_PURPOSE = "secret params of a request for a run"


def digests_of(asked: Mapping[str, Any], *, version: AutomationVersion) -> Iterator[str]:
    """The digest to keep of what is asked, then the others it could have been kept under before a key was rotated.

    `asked` has all `params`, secrets in plain. `version` says which of them are secret: the one that will run, or the one
    of the run that is compared with.
    """
    params = asked["params"]
    secrets = {name: params[name] for name in secret_params_of(version) & params.keys()}
    shown = {**asked, "params": params | dict.fromkeys(secrets, MASK)}
    if not secrets:
        yield _plain(shown)
        return
    for keyed in keyed_digests(_canonical(secrets), purpose=_PURPOSE):
        yield _plain(shown | {"secrets": keyed})


def _plain(asked: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(asked)).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode()
