"""What an attempt would be given of a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations.services.credential_use import Asking, give
from infra_shared.ids import uuid7
from webgraph.browser.profile import BrowserProfile

if TYPE_CHECKING:
    from automations.services.credential_use import Given


def asking(**changes: Any) -> Asking:
    """An attempt of the automation `sample` for the customer `main`, which declares no sites."""
    usual = {"run_id": uuid7(), "attempt": 1, "automation": "sample", "customer": "main", "sites": ()}
    return Asking(**{**usual, "profile": BrowserProfile(), **changes})


def given(*names: str, **changes: Any) -> Given:
    """What such an attempt is given."""
    return give(names=names, asking=asking(**changes))


def values_of(name: str) -> dict[str, str]:
    """The values of one credential, as an attempt gets them."""
    return dict(given(name).secrets[name])
