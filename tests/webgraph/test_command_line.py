"""`python -m webgraph` in a process of its own, without Django."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.webgraph.local_pages import FORM

if TYPE_CHECKING:
    from tests.webgraph.local_pages import LocalPages

ROOT = Path(__file__).parents[2]
SNAPSHOT = """from __future__ import annotations

import sys

from pydantic import BaseModel

from webgraph.flow import Automation, stage
from webgraph.target import Target


class Look(Automation):
    key = "look"
    credentials = ("door",)

    class Params(BaseModel):
        url: str

    class Result(BaseModel):
        django: bool

    @stage(effect="read")
    async def look(self, page):
        await page.goto(self.params.url)
        await page.fill(Target(css="#name"), self.credential("door")["key"])
        return {"django": "django" in sys.modules}
"""


def webgraph(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "looking_around.py").write_text(SNAPSHOT)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "DOOR": "open-sesame"}  # noqa: TID251 - a child's
    return subprocess.run(
        [sys.executable, "-m", "webgraph", *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, timeout=50, check=False,
    )  # fmt: skip


@pytest.mark.browser
def test_a_run_says_its_steps_and_leaves_its_evidence_in_a_folder(
    tmp_path: Path, pages: LocalPages, browser_executable: str
):
    ran = webgraph(
        tmp_path, "run", "looking_around:Look", "--param", f"url={pages.url('/form')}",
        "--secret", "door.key=DOOR", "--allow", pages.host_and_port, "--out", "out",
        "--browser", browser_executable,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "2. Fill #name with “•••”" in ran.stdout
    out = tmp_path / "out"
    assert json.loads((out / "run.json").read_text())["result"] == {"django": False}
    kinds = {json.loads(line)["kind"] for line in (out / "evidence.jsonl").read_text().splitlines()}
    assert kinds >= {"step_picture", "step_html", "trace", "request_log"}
    assert len((out / "steps.jsonl").read_text().splitlines()) == 2 + 2 * 2
    stored = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"open-sesame" not in stored


@pytest.mark.browser
def test_a_failed_run_says_why_and_exits_with_1(tmp_path: Path, pages: LocalPages, browser_executable: str):
    ran = webgraph(
        tmp_path, "run", "looking_around:Look", "--param", f"url={pages.url('/form')}",
        "--secret", "door.key=DOOR", "--out", "out", "--browser", browser_executable,
    )  # fmt: skip

    assert ran.returncode == 1
    assert "failed (bad_params)" in ran.stdout
    assert f"add {pages.host_and_port} to --allow" in ran.stdout


FLOW = """key: look
params: {url: {type: url}}
credentials: [door]
stages:
  - name: look
    effect: read
    steps:
      - goto: "{{ params.url }}"
      - fill: {css: "#name"}
        with: "{{ credential.door.key }}"
      - text: {css: h1}
        into: heading
result:
  heading: {value: "{{ state.heading }}"}
"""


@pytest.mark.browser
def test_a_flow_document_runs_like_an_automation_in_python(
    tmp_path: Path, pages: LocalPages, browser_executable: str
):
    (tmp_path / "look.yaml").write_text(FLOW)

    checked = webgraph(tmp_path, "check", "look.yaml")
    ran = webgraph(
        tmp_path, "run", "look.yaml", "--param", f"url={pages.url('/form')}", "--secret", "door.key=DOOR",
        "--allow", pages.host_and_port, "--out", "out", "--browser", browser_executable,
    )  # fmt: skip

    assert (checked.returncode, checked.stdout) == (0, "Nothing is wrong.\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["result"] == {"heading": "Form"}


def test_checking_names_file_line_and_path(tmp_path: Path):
    (tmp_path / "look.yaml").write_text(FLOW.replace("effect: read", "effect: maybe"))

    checked = webgraph(tmp_path, "check", "look.yaml")

    assert checked.returncode == 1
    assert checked.stdout.startswith("look.yaml:6: stages[0].effect: Input should be 'read'")


def test_a_second_run_into_the_same_folder_is_refused(tmp_path: Path):
    (tmp_path / "look.yaml").write_text(FLOW)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")

    ran = webgraph(tmp_path, "run", "look.yaml", "--param", "url=http://x", "--out", "out")

    assert (ran.returncode, "out is not empty" in ran.stderr) == (2, True)
    assert (tmp_path / "out" / "run.json").read_text() == "{}"


SEVERAL = """key: several
params: {word: {default: Send}}
targets:
  renamed: {css: "#submit", role: button, name: "{{ params.word }}"}
  nowhere: {css: "#nowhere"}
  later: {css: "#row-{{ state.row }}"}
stages:
  - name: work
    effect: read
    steps:
      - text: {css: h1, called: heading}
        into: row
      - click: renamed
      - click: nowhere
      - click: later
"""


@pytest.mark.browser
@pytest.mark.parametrize("saved", [False, True], ids=["live", "saved"])
def test_resolve_says_for_each_target_on_which_tier_it_is_found(
    tmp_path: Path, pages: LocalPages, browser_executable: str, saved
):
    (tmp_path / "several.yaml").write_text(SEVERAL)
    (tmp_path / "saved.html").write_text(f"{FORM}<script>document.body.remove()</script>")
    where = (
        ["--page", "saved.html"] if saved else ["--url", pages.url("/form"), "--allow", pages.host_and_port]
    )

    ran = webgraph(tmp_path, "resolve", "several.yaml", *where, "--json", "--browser", browser_executable)

    assert (ran.returncode, ran.stderr) == (1, "")
    found = {item["name"]: item for item in json.loads(ran.stdout)}
    assert {name: item["tier"] for name, item in found.items()} == {
        "“heading”": "dom", "renamed": "axtree", "nowhere": "", "later": ""
    }  # fmt: skip
    assert [item["reason"] for item in found["renamed"]["decisions"]] == ["none", ""]
    assert found["later"]["reason"] == "it needs a value for state.row"


@pytest.mark.browser
def test_resolve_finds_the_targets_a_python_automation_names_and_begins_where_a_flow_begins(
    tmp_path: Path, pages: LocalPages, browser_executable: str
):
    (tmp_path / "look.yaml").write_text(FLOW)
    (tmp_path / "named.py").write_text(
        SNAPSHOT.replace("class Look", 'HEADING = Target(css="h1")\n\n\nclass Look')
    )
    options = ["--allow", pages.host_and_port, "--browser", browser_executable]

    flow = webgraph(tmp_path, "resolve", "look.yaml", "--param", f"url={pages.url('/form')}", *options)
    code = webgraph(tmp_path, "resolve", "named:Look", "--url", pages.url("/form"), *options)

    assert (flow.returncode, flow.stdout.splitlines()[0]) == (0, "#name: dom")
    assert (code.returncode, code.stdout.splitlines()[0]) == (0, "HEADING: dom")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "none.yaml", "--out", "o"), "cannot be read"),
        (("check", "none.yaml"), "cannot be read"),
        (("run", "looking_around", "--out", "o"), "write module:Class"),
        (("run", "looking_around:None_", "--out", "o"), "cannot be loaded"),
        (("run", "pathlib:Path", "--out", "o"), "not a subclass"),
        (("run", "looking_around:Look", "--out", "o", "--param", "url"), "NAME=VALUE"),
        (("run", "looking_around:Look", "--out", "o", "--gemini-key", "NOT_SET_"), "is not set"),
        (("resolve", "looking_around:Look"), "names no target"),
        (("resolve", "none.yaml"), "cannot be read"),
        (("run", "looking_around:Look", "--out", "o", "--secret", "a.b=NOT_SET_"), "is not set"),
    ],
)
def test_a_wrong_command_line_says_what_to_change_and_exits_with_2(tmp_path: Path, arguments, words):
    ran = webgraph(tmp_path, *arguments)

    assert ran.returncode == 2
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.browser
def test_a_run_learns_into_a_file_and_says_how_a_target_could_be_written(
    tmp_path: Path, pages: LocalPages, browser_executable: str
):
    flow = "key: send\nstages:\n  - name: send\n    effect: read\n    steps:\n      - goto: URL\n      - click: {css: CSS, role: button, name: Send}\n"
    for name, css in (("as-written", "#send"), ("since-renamed", "#gone")):
        text = flow.replace("URL", pages.url("/form")).replace("CSS", f"'{css}'")
        (tmp_path / f"{name}.yaml").write_text(text)

    ran = [
        webgraph(
            tmp_path, "run", f"{name}.yaml", "--allow", pages.host_and_port, "--out", name,
            "--browser", browser_executable, "--fingerprints", "known.json",
        )
        for name in ("as-written", "since-renamed")
    ]  # fmt: skip

    assert [one.returncode for one in ran] == [0, 0], [one.stderr for one in ran]
    assert "Found another way" not in ran[0].stdout
    assert "  “Send”: css #send, in place of #gone\n" in ran[1].stdout
    [known] = json.loads((tmp_path / "known.json").read_text()).values()
    assert (known["id"], known["name"], known["successes"]) == ("send", "Send", 1)


def test_a_file_that_holds_no_fingerprints_is_refused(tmp_path: Path):
    (tmp_path / "known.json").write_text("[]")

    ran = webgraph(tmp_path, "run", "looking_around:Look", "--out", "out", "--fingerprints", "known.json")

    assert ran.returncode == 2
    assert "known.json cannot be read: it holds no fingerprints" in ran.stderr


RESUMED = """from __future__ import annotations

import os

from webgraph.flow import Automation, stage
from webgraph.target import Target


class Twice(Automation):
    key = "twice"

    @stage(effect="read")
    async def first(self, page):
        await page.goto(os.environ["PAGE"])

    @stage(effect="read")
    async def second(self, page):
        await page.text(Target(css=os.environ["WANTED"]), timeout_seconds=1)
"""


@pytest.mark.browser
def test_a_run_goes_on_after_what_an_earlier_one_left_in_a_file(
    tmp_path: Path, pages: LocalPages, browser_executable: str, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "twice.py").write_text(RESUMED)
    monkeypatch.setenv("PAGE", pages.url("/form"))
    kept = tmp_path / "kept.json"
    command = ["run", "twice:Twice", "--allow", pages.host_and_port, "--browser", browser_executable]
    command += ["--checkpoint", str(kept)]

    monkeypatch.setenv("WANTED", "#nowhere")
    broken = webgraph(tmp_path, *command, "--out", str(tmp_path / "one"))
    left = kept.exists()
    monkeypatch.setenv("WANTED", "h1")
    mended = webgraph(tmp_path, *command, "--out", str(tmp_path / "two"))

    assert (broken.returncode, left) == (1, True)
    assert (mended.returncode, kept.exists()) == (0, False), mended.stderr
    assert "goes on after stage 1" in mended.stdout
    assert "stage 1: first" not in mended.stdout
