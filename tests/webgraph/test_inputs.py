"""Files a run is given: from the params into the attempt's folder and on into a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from webgraph.errors import FailureKind, InputUnavailableError
from webgraph.files import InputFile, safe_name
from webgraph.flow import Automation, stage
from webgraph.inputs import LocalFile, named_files, wants_files
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page


class HandIn(Automation):
    """Puts two files into a page and says where they were."""

    key = "hand-in"

    class Params(BaseModel):
        url: str
        invoice: InputFile
        more: list[InputFile] = []

    class Result(BaseModel):
        places: list[str]
        text: str

    @stage(effect="read")
    async def work(self, page: Page) -> dict[str, Any]:
        await page.goto(self.params.url)
        await page.upload(Target(css="#file"), self.params.invoice)
        given = [self.params.invoice, *self.params.more]
        return {"places": [str(file.path) for file in given], "text": given[-1].path.read_text()}


class Broken:
    """A file whose store does not answer."""

    name = "broken.txt"
    content_type = "text/plain"

    def save_to(self, path: Path) -> None:
        raise InputUnavailableError(f"The store has no {self.name} now.")


def made(folder: Path, *texts: str) -> dict[str, LocalFile]:
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return {path.stem: LocalFile(path) for path in paths}


@pytest.mark.browser
def test_a_given_file_is_a_copy_in_the_attempts_folder_and_gone_with_it(
    attempt: Tried, pages: LocalPages, tmp_path: Path, shared_host: Any
) -> None:
    sources = made(tmp_path, "first", "second")
    params = {"url": pages.url("/form"), "invoice": "0", "more": ["1"]}

    result = attempt(automation=HandIn, params=params, files=sources)

    assert result.result is not None, result.failure
    assert result.result["text"] == "second"
    places = [Path(place) for place in result.result["places"]]
    assert all(place.is_relative_to(shared_host.folder) for place in places)
    assert not any(place.exists() for place in places)
    assert sources["0"].path.exists()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("files", "kind", "words"),
    [
        ({}, FailureKind.BAD_PARAMS, "invoice: Value error, this file was not given"),
        ({"0": Broken()}, FailureKind.STORAGE, "The store has no broken.txt now."),
        ({"0": LocalFile(Path("/nowhere/a.txt"))}, FailureKind.STORAGE, "a.txt cannot be read"),
    ],
)
def test_a_file_that_cannot_be_had_fails_the_attempt_before_any_step(
    attempt: Tried, files: dict[str, Any], kind: FailureKind, words: str
) -> None:
    result = attempt(automation=HandIn, params={"url": "http://x/", "invoice": "0"}, files=files)

    assert result.failure is not None
    assert (result.failure.kind, result.steps) == (kind, 0)
    assert words in result.failure.message


def test_files_are_found_wherever_the_schema_says_that_one_stands() -> None:
    class Inner(BaseModel):
        scan: InputFile | None = None

    class Params(BaseModel):
        title: str
        one: InputFile
        each: list[Inner] = []
        named: dict[str, InputFile] = {}

    params = {"title": "t", "one": "a", "each": [{"scan": "b"}, {"scan": None}], "named": {"x": "c"}}
    schema = Params.model_json_schema()

    assert list(named_files(schema, params)) == [("one", "a"), ("each.0.scan", "b"), ("named.x", "c")]
    assert wants_files(schema["properties"]["one"], schema)
    assert not wants_files(schema["properties"]["title"], schema)
    assert Params.model_validate(params).model_dump(mode="json") == params


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\March.pdf", "March.pdf"),
        ("a\0b\n.txt", "a_b_.txt"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("Rēķins 7.pdf", "Rēķins 7.pdf"),
    ],
)
def test_a_files_name_is_a_name_and_no_place(given: str, safe: str) -> None:
    assert safe_name(given) == safe


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("ü" * 300 + ".pdf")

    assert len(name.encode()) <= 150
    assert name.endswith("ü.pdf")
