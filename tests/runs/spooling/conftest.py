"""An attempt that writes while the store is away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra_shared.redaction import Redactor
from infra_shared.services.spools import spool_folder
from runs.evidence_writer import EvidenceWriter
from tests.support import sample
from tests.support.spooling import SECRET, StoreThatIsAway

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from infra_shared.blobs.spool import SpoolFolder
    from runs.services.claims import Claim


@pytest.fixture
def claim(version: AutomationVersion) -> Claim:
    _, claim = sample.claimed_run(version)
    return claim


@pytest.fixture
def away() -> StoreThatIsAway:
    return StoreThatIsAway()


@pytest.fixture
def folder() -> SpoolFolder:
    return spool_folder()


@pytest.fixture
def writer(claim: Claim, away: StoreThatIsAway, folder: SpoolFolder) -> EvidenceWriter:
    return EvidenceWriter(
        claim=claim, store=away, outage=timedelta(seconds=1), redactor=Redactor([SECRET]), spool=folder
    )
