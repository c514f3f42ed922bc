"""The ledger of one-time codes, on the database all machines share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connections

from automations.models import SpentCode
from automations.services.one_time_codes import forget_spent_codes, take_code
from infra_shared.database import database_now
from infra_shared.redaction import Redactor
from infra_shared.totp import TotpSeed
from runs.services.codes import LedgerCodes
from webgraph.codes import Code, NotYet

SEED = TotpSeed(secret="JBSWY3DPEHPK3PXP")
NOW = datetime.fromtimestamp(1_800_000_005, UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest.mark.django_db(transaction=True)
def test_runs_that_ask_at_the_same_moment_share_one_code_between_them() -> None:
    gate = Barrier(6)

    def ask(_number: int) -> Code | NotYet:
        gate.wait()
        try:
            return take_code(credential="shop", seed=SEED, taken_by=uuid4(), now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))

    assert [type(answer) for answer in answers].count(Code) == 1
    assert answers.count(NotYet(seconds=25)) == 5


@pytest.mark.django_db
def test_the_next_time_step_gives_another_code() -> None:
    first = take_code(credential="shop", seed=SEED, taken_by=FIRST, now=NOW)
    second = take_code(credential="shop", seed=SEED, taken_by=SECOND, now=NOW + timedelta(seconds=30))

    assert isinstance(first, Code)
    assert isinstance(second, Code)
    assert first.value != second.value


@pytest.mark.django_db
def test_a_request_whose_answer_was_lost_gets_its_code_when_it_asks_again() -> None:
    first = take_code(credential="shop", seed=SEED, taken_by=FIRST, now=NOW)

    assert take_code(credential="shop", seed=SEED, taken_by=FIRST, now=NOW) == first
    assert isinstance(take_code(credential="shop", seed=SEED, taken_by=SECOND, now=NOW), NotYet)


@pytest.mark.django_db
def test_the_chore_forgets_old_time_steps_alone() -> None:
    take_code(credential="shop", seed=SEED, taken_by=FIRST, now=NOW)
    SpentCode.objects.create(
        credential="shop", step=1, taken_by=SECOND, spent_at=database_now() - timedelta(hours=2)
    )
    SpentCode.objects.filter(taken_by=FIRST).update(spent_at=database_now() - timedelta(minutes=15))

    assert forget_spent_codes() == 1
    assert SpentCode.objects.get().taken_by == FIRST


def test_a_code_is_known_to_the_log_before_it_is_given_out() -> None:
    redactor, given = Redactor([]), Code(value="418203", valid_seconds=20)
    codes = LedgerCodes({"shop": SEED}, write=lambda _work: given, redactor=redactor)

    assert codes.take("shop") == given
    assert redactor.contains("the code 418203 was typed")
