"""One-time codes: none is given out twice, none that is about to expire, and none is kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infra_shared.totp import TotpSeed
from tests.webgraph.documents.conftest import flow
from webgraph.code_file import FileCodes
from webgraph.codes import Code, CodeSource, NotYet, next_code
from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage
from webgraph.runner import Outcome
from webgraph.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

SEED = TotpSeed(secret="JBSWY3DPEHPK3PXP")


def at(second: float) -> datetime:
    """A moment by the second of its time step."""
    return datetime.fromtimestamp(1_800_000_000 + second, UTC)


def test_a_code_that_is_about_to_expire_is_not_given_out_nor_spent():
    def spend(step: int) -> bool:
        raise AssertionError(step)

    assert next_code(SEED, now=at(28), spend=spend) == NotYet(seconds=2)


def test_a_spent_step_is_waited_out_and_the_next_one_gives_another_code(tmp_path: Path):
    moments = iter([at(5), at(6), at(31)])
    codes = FileCodes({"shop": SEED}, tmp_path / "spent.json", lambda: next(moments))

    first, second, third = (codes.take("shop") for _ in range(3))

    assert isinstance(first, Code)
    assert second == NotYet(seconds=24)
    assert isinstance(third, Code)
    assert third.value != first.value


def test_processes_that_share_the_file_get_one_code_between_them(tmp_path: Path):
    path, gate = tmp_path / "state" / "spent.json", threading.Barrier(8)

    def ask(name: str) -> bool:
        codes = FileCodes({name: SEED}, path, lambda: at(5))
        gate.wait()
        return isinstance(codes.take(name), Code)

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(ask, ["shop", "same-shop"] * 4))

    assert given.count(True) == 1
    assert SEED.secret not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


class Scripted(CodeSource):
    """Answers as told, and notes the thread that asked."""

    def __init__(self, *answers: Code | NotYet) -> None:
        self.answers = list(answers)
        self.threads: set[threading.Thread] = set()

    def take(self, credential: str) -> Code | NotYet:
        assert credential == "shop"
        self.threads.add(threading.current_thread())
        return self.answers.pop(0)


@pytest.fixture
def signs_in(pages: LocalPages) -> type[Automation]:
    class SignsIn(Automation):
        key = "signs-in"
        credentials = ("shop",)
        wait_seconds = 5.0

        @stage(effect="read")
        async def sign_in(self, page: Page) -> None:
            await page.goto(pages.url("/reflect"))
            await page.fill_code(
                Target(css="#secret"), credential="shop", wait_seconds=self.wait_seconds, timeout_seconds=2
            )

    return SignsIn


@pytest.mark.browser
def test_a_code_is_waited_for_typed_and_kept_nowhere(attempt: Tried, signs_in: type[Automation]):
    source = Scripted(NotYet(seconds=2.5), Code(value="418203", valid_seconds=20))

    result = attempt(automation=signs_in, secrets={"shop": {}}, codes=source)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert source.threads == {threading.current_thread()}
    assert attempt.memory.intents[-1].description == "Fill #secret with a one-time code of “shop”"
    (taken,) = [item for item in attempt.memory.outcomes[-1].decisions if "code" in item]
    assert "waited" in taken["reason"]
    assert attempt.memory.files
    assert not any(b"418203" in file.body for file in attempt.memory.files)
    assert "418203" not in str(attempt.memory.outcomes)


@pytest.mark.browser
def test_a_wait_that_is_too_long_for_the_step_fails_it_at_once(attempt: Tried, signs_in: type[Automation]):
    source = Scripted(NotYet(seconds=29))

    result = attempt(automation=signs_in, secrets={"shop": {}}, codes=source)

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.TIMEOUT, False)
    assert "other runs use the same codes" in result.failure.message


@pytest.mark.browser
def test_a_credential_without_a_seed_says_what_to_set(attempt: Tried, signs_in: type[Automation]):
    result = attempt(automation=signs_in, secrets={"shop": {}})

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.AUTH, True)
    assert "totp_seed" in result.failure.message


@pytest.mark.browser
def test_a_document_types_a_code(attempt: Tried, pages: LocalPages):
    document = f"""key: signs-in
credentials: [shop]
stages:
  - name: sign_in
    effect: read
    steps:
      - goto: {pages.url("/form")}
      - {{fill_code: {{css: "#name"}}, credential: shop}}
      - {{click: {{css: "#send"}}, then: {{reads: {{css: "#said"}}, text: "418203 s false 0"}}}}
"""
    source = Scripted(Code(value="418203", valid_seconds=20))

    result = attempt(automation=flow(document), secrets={"shop": {}}, codes=source)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
