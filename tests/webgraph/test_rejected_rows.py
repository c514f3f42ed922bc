"""A result that does not fit fails the run, and the rows that did not fit are there to be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from infra_shared.redaction import Redactor
from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind, EvidenceLevel
from webgraph.rejected import MOST_ROWS, as_json_lines, rejected_rows

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from webgraph.page import Page


class Invoice(BaseModel):
    number: str
    total: float


class Read(Automation):
    """Returns one good row and two that do not fit; a stage that validates by itself meets the same end."""

    key = "read"
    credentials = ("door",)

    class Params(BaseModel):
        in_stage: bool = False

    class Result(BaseModel):
        invoices: list[Invoice]
        count: int

    @stage(effect="read")
    async def work(self, page: Page) -> Any:
        if self.params.in_stage:
            Invoice.model_validate({"number": "A-4", "total": "twelve"})
        good = {"number": "A-1", "total": "12.5"}
        secret = self.credential("door")["password"]
        return {"invoices": [good, {"number": "A-2", "total": secret}, {"total": 3}], "count": 3}


def kept(attempt: Tried) -> list[dict[str, Any]]:
    (file,) = attempt.memory.of(ArtifactKind.REJECTED_ROWS)
    return [json.loads(line) for line in file.body.splitlines()]


@pytest.mark.browser
def test_rows_that_do_not_fit_fail_the_run_and_are_kept_without_secrets(attempt: Tried) -> None:
    result = attempt(
        automation=Read, secrets={"door": {"password": "s3cret/word"}}, evidence=EvidenceLevel.OFF
    )

    assert result.failure is not None
    assert (result.failure.kind, result.result) == (FailureKind.BAD_RESULT, None)
    assert [(row["where"], row["value"]) for row in kept(attempt)] == [
        ("invoices[1]", {"number": "A-2", "total": "•••"}),
        ("invoices[2]", {"total": 3}),
    ]
    assert kept(attempt)[1]["problems"] == ["number: Field required"]


@pytest.mark.browser
def test_a_row_that_a_stage_itself_refuses_is_kept_too(attempt: Tried) -> None:
    result = attempt(
        automation=Read, params={"in_stage": True}, secrets={"door": {"password": "s3cret/word"}}
    )

    assert result.failure is not None
    assert result.failure.kind is FailureKind.BAD_RESULT
    assert [(row["where"], row["value"]) for row in kept(attempt)] == [("total", "twelve")]


def test_more_rows_than_a_person_reads_are_counted() -> None:
    given = {"invoices": [{"number": str(number)} for number in range(MOST_ROWS + 5)], "count": 1}
    with pytest.raises(ValidationError) as refusal:
        Read.Result.model_validate(given)

    lines = as_json_lines(rejected_rows(refusal.value, given), Redactor(())).splitlines()

    assert len(lines) == MOST_ROWS + 1
    assert json.loads(lines[-1]) == {"left_out": 5}
