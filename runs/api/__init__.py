"""Endpoints: runs, what they left behind, and the occurrences of schedules."""

from __future__ import annotations

from runs.api.alerts import router as alerts
from runs.api.artifacts import router as artifacts
from runs.api.bulk import router as bulk
from runs.api.evidence import router as evidence
from runs.api.files import router as files
from runs.api.input import router as given_input
from runs.api.occurrences import router as occurrences
from runs.api.pauses import router as pauses
from runs.api.results import router as results
from runs.api.runs import router as runs

# `bulk` first: its paths would else be taken for ids of runs.
routers = (bulk, runs, files, given_input, results, evidence, artifacts, occurrences, pauses, alerts)
