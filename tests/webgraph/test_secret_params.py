"""Params that nobody may see: how they show themselves, where they may stand, and that an attempt leaves none behind."""

from __future__ import annotations

import io
import json
import zipfile
from argparse import Namespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator

from tests.webgraph.documents.conftest import flow
from webgraph.commands import browsing
from webgraph.commands.loading import UsageError
from webgraph.commands.secret_words import secret_values
from webgraph.documents.reading import problems_in
from webgraph.documents.shared import SharedInMapping
from webgraph.errors import BadParamsError
from webgraph.flow import Automation, stage
from webgraph.outcome import AttemptSpec
from webgraph.secret_values import Secret, problems_of_secrets, secret_names
from webgraph.target import Target
from webgraph.verdicts import prepared

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

CANARY = "canary/Zq7 xk&9"


class SignIn(Automation):
    """Types a secret param into a page that reflects it everywhere."""

    key = "sign-in"

    class Params(BaseModel):
        url: str = ""
        pin: Secret = Field(min_length=4)
        spare: SecretStr | None = None

        @field_validator("url")
        @classmethod
        def _no_numbers(cls, value: str) -> str:
            if value.isdecimal():
                msg = f"{value} is no address"
                raise ValueError(msg)
            return value

    class Result(BaseModel):
        echo: str

    @stage(effect="read")
    async def work(self, page: Page) -> dict[str, Any]:
        await page.goto(self.params.url)
        await page.fill(Target(css="#secret"), self.params.pin)
        return {"echo": await page.text(Target(css="#echo"))}


def test_a_secret_shows_itself_to_nobody_who_does_not_ask():
    params = SignIn.Params(pin=CANARY)

    assert CANARY not in f"{params} {params!r} {params.pin} {params.pin!r} {params.model_dump_json()}"
    assert (str(params.pin), repr(params.pin), params.pin.reveal()) == ("•••", "•••", CANARY)
    assert CANARY not in repr(AttemptSpec(automation=SignIn, params={"pin": CANARY}))


def test_a_schema_tells_which_params_are_secret():
    schema = SignIn.Params.model_json_schema()

    assert secret_names(schema) == {"pin", "spare"}
    assert schema["properties"]["pin"]["writeOnly"] is True
    assert problems_of_secrets(schema) == []


def test_a_secret_stands_at_the_top_of_params_and_has_no_default():
    class Account(BaseModel):
        pin: Secret

    class Wrong(BaseModel):
        account: Account
        pins: list[Secret] = []
        code: Secret = Secret("1234")

    found = problems_of_secrets(Wrong.model_json_schema())

    assert [problem.split("'")[1] for problem in found] == ["account", "pins", "code"]
    assert "has a default" in found[2]


def test_a_state_holds_no_secret_for_it_would_come_back_as_dots():
    class Keeps(SignIn):
        class State(BaseModel):
            pins: list[Secret] = []

    assert [problem.partition(",")[0] for problem in Keeps.problems()] == ["State must hold no secret"]


@pytest.mark.parametrize("params", [{"pin": "Zq7"}, {"pin": "73317331", "url": "73317331"}])
def test_params_that_do_not_fit_are_refused_without_the_secret(params: dict[str, str]):
    with pytest.raises(BadParamsError) as refused:
        prepared(SignIn, params, {}, {})

    assert params["pin"] not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.browser
def test_canary_a_secret_param_reaches_the_field_and_no_kept_byte(attempt: Tried, pages: LocalPages):
    result = attempt(automation=SignIn, params={"url": pages.url("/reflect"), "pin": CANARY})

    memory = attempt.memory
    assert result.result == {"echo": "echo •••"}
    assert "with “•••”" in repr(memory.intents)
    told = repr([result, memory.intents, memory.outcomes, memory.stage_ends])
    stored = b"".join(plain(item.body) for item in memory.files)
    for spelling in (CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY)[1:-1]):
        assert spelling not in told
        assert spelling.encode() not in stored


def plain(body: bytes) -> bytes:
    if not body.startswith(b"PK"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return b"".join(name.encode() + archive.read(name) for name in archive.namelist())


DOCUMENT = """key: sign-in
params:
  url: {type: url}
  pin: {type: secret, min_length: 3}
stages:
  - name: work
    effect: read
    steps:
      - goto: "{{ params.url }}"
      - {fill: {css: "#secret"}, with: "no. {{ params.pin }}"}
      - {text: {css: "#echo"}, into: echo}
result:
  echo: {value: "{{ state.echo }}"}
"""


@pytest.mark.browser
def test_canary_a_document_types_a_short_secret_inside_a_longer_text(attempt: Tried, pages: LocalPages):
    params = {"url": pages.url("/reflect"), "pin": "7x3"}

    result = attempt(automation=flow(DOCUMENT), params=params)

    assert result.result == {"echo": "echo •••"}
    assert "7x3" not in repr([result, attempt.memory.intents, attempt.memory.outcomes])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("min_length: 3", "default: '1234'", "it has no `default`"),
        ("goto: \"{{ params.url }}\"", "goto: \"{{ params.pin }}\"", "can only be typed"),
        ("stages:", "options: {slot_keys: {\"{{ params.pin }}\": 1}}\nstages:", "can only be typed"),
        ("effect: read", "effect: commit\n    effect_key: \"{{ params.pin }}\"", "can only be typed"),
        ("{{ state.echo }}", "{{ params.pin }}", "can only be typed"),
    ],
)  # fmt: skip
def test_a_document_uses_a_secret_param_in_what_is_typed_alone(old: str, new: str, words: str):
    (problem,) = problems_in(DOCUMENT.replace(old, new), shared=SharedInMapping({}))

    assert words in problem.message


def test_a_secret_is_no_word_of_a_command_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_PIN", "from-the-environment")
    monkeypatch.setattr("sys.stdin", io.StringIO("from-the-input\n"))

    given = secret_values(["pin", "spare=@env:SHOP_PIN"], option="--secret-param")

    assert given == {"pin": "from-the-input", "spare": "from-the-environment"}
    with pytest.raises(UsageError) as refused:
        secret_values([f"pin={CANARY}"], option="--secret-param")
    assert CANARY not in str(refused.value)


def test_the_command_line_takes_no_secret_as_a_param():
    given = Namespace(param=["url=https://shop.example", "pin=1234"], secret_param=[])

    with pytest.raises(UsageError, match="use --secret-param pin"):
        browsing.params(given, SignIn)
