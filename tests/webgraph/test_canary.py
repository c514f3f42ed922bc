"""Canaries in the browser: how a secret is typed, what pictures and the trace may show of it, and what is left out."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydantic import BaseModel

from infra_shared.leaks import LeakScan
from infra_shared.redaction import NOTES_MEMBER, Redactor
from tests.support.canaries import hits
from tests.webgraph.conftest import automation_of
from tests.webgraph.local_pages import PAGES
from webgraph.evidence import keeper
from webgraph.evidence.media import CoveredMedia
from webgraph.evidence.trace import clean_trace
from webgraph.flow import Automation, stage
from webgraph.folder_recorder import FolderRecorder
from webgraph.network import AddressPolicy
from webgraph.recorder import ArtifactKind
from webgraph.runner import AttemptSpec, run_attempt
from webgraph.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

pytestmark = pytest.mark.browser
WORD = "canary-Zq7xk9-Wm3vT5"
SHORT = "k7Q"
SECRETS = {"shop": {"password": WORD}}
SECRET = Target(css="#secret")
DONE = Target(css="body[data-done]")


def _members(trace: bytes, ending: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(trace)) as archive:
        names = [name for name in archive.namelist() if name.endswith(ending)]
        return [json.loads(line) for name in names for line in archive.read(name).splitlines()]


@pytest.mark.parametrize("word", [WORD, SHORT])
def test_canary_is_in_no_parameter_or_log_of_the_trace_even_before_it_is_rewritten(
    attempt: Tried, pages: LocalPages, monkeypatch, word
):
    monkeypatch.setattr(keeper, "clean_trace", lambda archive, *_: archive)

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.fill(Target(css="#password"), word)
        await page.press(Target(css="#name"), "End")

    attempt(job, secrets={"shop": {"password": word}})

    events = _members(attempt.memory.of(ArtifactKind.TRACE)[0].body, ".trace")
    told = [event for event in events if event["type"] in ("before", "log", "input", "after")]
    assert "Type a secret" in {event.get("title") for event in told}
    assert word not in json.dumps(told)
    assert word in json.dumps(events), "its DOM snapshots hold it, which is why the archive is rewritten"


# Everything a page can do about how its field is drawn: at once, in turns, in answer to the change, and by its sheets.
FIGHTS = """const fight = field => {
  const bare = () => { field.removeAttribute('style'); field.style.setProperty('-webkit-text-security', 'none', 'important'); };
  field.addEventListener('input', bare); field.addEventListener('focus', bare); setInterval(bare, 5);
  new MutationObserver(() => { if (!field.shown) { field.shown = true; bare(); } }).observe(field, {attributes: true});
};"""
SHEET = """<style>input {-webkit-text-security: none !important; animation: bare 1s infinite}
@keyframes bare {from, to {-webkit-text-security: none}}</style>"""
FIELDS = {
    "document": (
        f"{SHEET}<input id=secret type=text><script>{FIGHTS} fight(document.getElementById('secret'))</script>",
        Target(css="#secret"),
        "document.getElementById('secret')",
    ),
    "address field": (
        f"{SHEET}<input id=secret type=url><script>{FIGHTS} fight(document.getElementById('secret'))</script>",
        Target(css="#secret"),
        "document.getElementById('secret')",
    ),
    "shadow root": (
        "<div id=host></div><script>"
        + FIGHTS
        + "const root = document.getElementById('host').attachShadow({mode: 'open'});"
        "root.innerHTML = '<style>input {-webkit-text-security: none !important}</style><input id=secret>';"
        "fight(root.getElementById('secret'))</script>",
        Target(css="#secret"),
        "document.getElementById('host').shadowRoot.getElementById('secret')",
    ),
    "frame": (
        f"""<iframe id=frame srcdoc="<input id=secret>"></iframe><script>{FIGHTS}
        document.getElementById('frame').onload = () =>
          fight(document.getElementById('frame').contentDocument.getElementById('secret'))</script>""",
        Target(css="#secret", frame="#frame"),
        "document.getElementById('frame').contentDocument.getElementById('secret')",
    ),
}


@pytest.mark.parametrize("kind", FIELDS)
def test_canary_field_is_drawn_as_dots_whatever_the_pages_scripts_and_sheets_do(
    attempt: Tried, pages: LocalPages, monkeypatch, kind
):
    html, target, field = FIELDS[kind]
    monkeypatch.setitem(PAGES, "/fights", html)
    seen: list[str] = []

    async def job(page: Page) -> None:
        await page.goto(pages.url("/fights"))
        await page.fill(target, WORD)
        # Each time a frame is about to be drawn, which is what a picture shows.
        seen.extend(
            await page._surface.page.evaluate(
                f"""async () => {{ const seen = [], field = {field};
                for (let frame = 0; frame < 20; frame++) seen.push(await new Promise(drawn => requestAnimationFrame(
                    () => drawn(getComputedStyle(field).webkitTextSecurity))));
                return [...seen, field.value]; }}"""
            )
        )

    result = attempt(job, secrets=SECRETS)

    assert result.failure is None
    assert seen == ["disc"] * 20 + [WORD]


def test_canary_pictures_cover_canvas_video_and_images_of_a_site_that_knows_it_unless_told_otherwise(
    attempt: Tried, pages: LocalPages
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/canary"))
        await page.fill(SECRET, WORD)
        await page.text(DONE)

    told = automation_of(job)
    told.cover_media = False
    attempt(job, secrets=SECRETS)
    attempt(automation=told, secrets=SECRETS)

    covered, shown = (attempt.memory.of(ArtifactKind.STEP_PICTURE)[number].body for number in (2, 5))
    painted = (20, 240, 700, 390)
    assert max(Image.open(io.BytesIO(covered)).convert("L").crop(painted).tobytes()) < 40
    assert max(Image.open(io.BytesIO(shown)).convert("L").crop(painted).tobytes()) > 200


def test_canary_pictures_cover_an_image_of_a_site_that_knows_it_on_a_page_of_another_site(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    here = f"http://{pages.host_and_port}"
    there = here.replace("127.0.0.1", "localhost")
    image, size = f"{here}/picture?word=white", "position: absolute; left: 0; width: 200px; height: 40px"
    shown = [
        f"<img src={image} style='{size}; top: 0'>",
        f"<video poster={image} style='{size}; top: 60px'></video>",
        f"<picture><source srcset='{image} 1x'><img style='{size}; top: 120px'></picture>",
        f"<div style='{size}; top: 180px; background: url({image})'></div>",
        f"<div style='{size}; top: 240px; background: white; mask-image: url({image})'></div>",
        f"<ul style='{size}; top: 300px; list-style: inside url({image}); margin: 0; padding: 0'><li></ul>",
        f"<img src=/picture?word=own style='{size}; top: 360px'>",
    ]
    monkeypatch.setitem(PAGES, "/shows", f"<body style='margin: 0; background: #777'>{''.join(shown)}")

    async def job(page: Page) -> None:
        await page.goto(f"{here}/reflect")
        await page.fill(SECRET, WORD)
        await page.goto(f"{there}/shows")

    attempt(job, secrets=SECRETS, allowed=(pages.host_and_port, there.removeprefix("http://")))

    picture = Image.open(io.BytesIO(attempt.memory.of(ArtifactKind.STEP_PICTURE)[-1].body)).convert("L")
    brightest = [max(picture.crop((10, top, 190, top + 30)).tobytes()) for top in range(5, 400, 60)]
    assert [value > 200 for value in brightest] == [*[False] * 6, True]


def test_canary_given_by_an_address_alone_is_masked_where_the_page_shows_it(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    words = "document.body.textContent = new URLSearchParams(location.search).get('word')"
    monkeypatch.setitem(PAGES, "/says", f"<body style='font: 40px monospace'><script>{words}</script>")

    async def job(page: Page) -> None:
        await page.goto(pages.url(f"/says?word={WORD}"))

    attempt(job, secrets=SECRETS)

    picture = Image.open(io.BytesIO(attempt.memory.of(ArtifactKind.STEP_PICTURE)[0].body)).convert("L")
    assert max(picture.crop((15, 15, 400, 45)).tobytes()) < 40


class ShowsAgain(Automation):
    """Opens a page in one stage and looks at it in the next."""

    key = "shows-again"
    credentials = ("shop",)

    class Params(BaseModel):
        """Where."""

        url: str

    @stage(effect="read")
    async def open(self, page: Page) -> None:
        """Open it."""
        await page.goto(self.params.url)

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Look at it."""
        await page.text(Target(css="#word"))


def test_canary_of_an_earlier_attempt_is_masked_in_the_pictures_of_the_one_that_goes_on(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    monkeypatch.setitem(PAGES, "/shown", f"<p id=word style='font: 40px monospace'>{WORD}</p>")
    given: dict[str, Any] = {"params": {"url": pages.url("/shown")}, "secrets": SECRETS}
    attempt(automation=ShowsAgain, **given)
    left = attempt.memory.stage_ends[0].checkpoint
    before = len(attempt.memory.of(ArtifactKind.STEP_PICTURE))

    attempt(automation=ShowsAgain, resume_from=left, **given)

    pictures = attempt.memory.of(ArtifactKind.STEP_PICTURE)[before:]
    shown = [Image.open(io.BytesIO(item.body)).convert("L").crop((15, 15, 400, 45)) for item in pictures]
    assert shown
    assert max(max(part.tobytes()) for part in shown) < 40


def test_canary_trace_keeps_neither_cookies_nor_pictures_of_a_site_that_knows_it(
    attempt: Tried, pages: LocalPages
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/canary"))
        await page.fill(SECRET, WORD)
        await page.text(DONE)
        await page._surface.page.context.cookies()

    attempt(job, secrets=SECRETS)

    trace = attempt.memory.of(ArtifactKind.TRACE)[0].body
    with zipfile.ZipFile(io.BytesIO(trace)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert b"cookie-value-4711" not in b"".join(members.values())
    assert b'"name":"session"' in members["trace.network"]
    assert b"data:image" not in members["trace.trace"]
    assert b"data:image" not in b"".join(item.body for item in attempt.memory.of(ArtifactKind.STEP_HTML))
    assert not [name for name in members if name.endswith(".png")]
    assert b"a picture of a site into which a secret was typed" in members[NOTES_MEMBER]
    assert hits("trace.zip", trace, WORD) == []


def _trace_of(*snapshots: list[Any]) -> bytes:
    out = io.BytesIO()
    events = [
        {"type": "frame-snapshot", "snapshot": {"frameId": "f", "callId": "c", "html": html}}
        for html in snapshots
    ]
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("trace.trace", "\n".join(json.dumps(event) for event in events))
    return out.getvalue()


def test_canary_that_a_snapshot_cuts_between_itself_and_an_earlier_one_is_taken_out_of_both():
    head = ["P", {}, ["B", {}, "canary-Zq7"], " and more"]
    later = ["P", {}, [[1, 1]], "xk9-Wm3vT5"]

    clean = clean_trace(_trace_of(head, later), Redactor([WORD]), CoveredMedia())

    first, second = (event["snapshot"]["html"] for event in _members(clean, ".trace"))
    assert first == ["P", {}, ["B", {}, "•••"], " and more"]
    assert second == ["P", {}, [[1, 1]], ""]


def test_canary_in_a_member_that_cannot_be_rewritten_is_left_out_and_the_member_named():
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("resources/a.bin", WORD.encode("utf-16"))

    clean = clean_trace(inner.getvalue(), Redactor([WORD]), CoveredMedia())

    with zipfile.ZipFile(io.BytesIO(clean)) as archive:
        assert archive.namelist() == [NOTES_MEMBER]
        assert b"It holds a secret of its run" in archive.read(NOTES_MEMBER)


def test_canary_in_a_download_is_left_out_of_the_folder_of_a_run_without_a_server(
    shared_host: BrowserHost, pages: LocalPages, tmp_path: Path
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/canary"))
        await page.fill(SECRET, WORD)
        await page.text(DONE)
        await page.download(Target(css="#archive"))

    redactor = Redactor(())
    spec = AttemptSpec(
        automation=automation_of(job),
        secrets=SECRETS,
        redactor=redactor,
        address_policy=AddressPolicy(allowed=(pages.host_and_port,)),
    )
    run_attempt(spec, FolderRecorder(tmp_path, lambda _: None, scan=LeakScan(redactor)), shared_host)

    files = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert "evidence/trace.zip" in files
    assert [hit for name, body in files.items() for hit in hits(name, body, WORD)] == []
    index = [json.loads(line) for line in files["evidence.jsonl"].splitlines()]
    (gap,) = [line for line in index if line["kind"] == "download"]
    assert (
        gap["reason"] == "It was left out. It holds a secret of its run, in “statement.txt” in “inner.zip”."
    )


def test_canary_beyond_where_a_log_line_is_cut_leaves_no_half(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/inside?" + "x" * (3990 - len(pages.url("/inside?"))) + WORD))

    attempt(job, secrets=SECRETS)

    (line,) = attempt.memory.of(ArtifactKind.REQUEST_LOG)[0].body.splitlines()
    assert WORD[:8].encode() not in line
    assert json.loads(line)["url"].endswith("•••")


def test_matches_of_an_automations_own_patterns_are_in_no_text_that_is_kept(
    attempt: Tried, pages: LocalPages, monkeypatch
):
    card = "4000 1234 5678 9010"
    monkeypatch.setitem(PAGES, "/card", f"<p id=word>{card}</p><script>console.log('{card}')</script>")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/card"))
        await page.click(Target(css="#nowhere", called=card), timeout_seconds=0.2)

    declared = automation_of(job)
    declared.redact_patterns = ("[0-9]{4}( [0-9]{4}){3}",)
    result = attempt(automation=declared)

    memory = attempt.memory
    assert [hit for item in memory.files for hit in hits(item.name, item.body, card)] == []
    assert card not in repr([result, memory.intents, memory.outcomes])
