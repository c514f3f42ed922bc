"""Flows for tests, and running them for real against the practice site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.webgraph.memory import Memory
from webgraph.documents.compiling import automation_from
from webgraph.documents.reading import read_flow
from webgraph.documents.shared import SharedInFolder
from webgraph.network import AddressPolicy
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.runner import AttemptSpec, run_attempt

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from webgraph.browser.host import BrowserHost
    from webgraph.flow import Automation
    from webgraph.runner import AttemptResult

FLOWS = Path(__file__).parent / "flows"
ACCOUNT = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}


def flow(text: str) -> type[Automation]:
    """The automation of a document, which may include those in the folder `flows`."""
    return automation_from(read_flow(text, shared=SharedInFolder(FLOWS)))


def flow_named(name: str) -> type[Automation]:
    return flow((FLOWS / f"{name}.yaml").read_text())


class Run(Protocol):
    """Runs one attempt against the practice site and says how it went."""

    def __call__(self, automation: type[Automation], **params: Any) -> tuple[AttemptResult, Memory]: ...


@pytest.fixture
def run(shared_host: BrowserHost, practice_site: PracticeSite) -> Run:
    def run_once(automation: type[Automation], **params: Any) -> tuple[AttemptResult, Memory]:
        memory = Memory()
        spec = AttemptSpec(
            automation=automation,
            params=params,
            secrets=dict.fromkeys(automation.credentials, ACCOUNT),
            address_policy=AddressPolicy(allowed=(practice_site.host_and_port,)),
        )
        return run_attempt(spec, memory, shared_host), memory

    return run_once
