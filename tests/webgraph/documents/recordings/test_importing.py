"""What Chrome's Recorder exports, as a flow document: nothing lost in silence, no password kept, and it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webgraph.documents.conftest import flow
from webgraph.documents.reading import problems_in
from webgraph.documents.recordings.format import RecordingError
from webgraph.documents.recordings.importing import import_recording
from webgraph.documents.recordings.keys import Keyboard
from webgraph.documents.recordings.writing import yaml_of
from webgraph.documents.source import read_source
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from tests.webgraph.documents.conftest import Run

RECORDED = (Path(__file__).parent / "paid-invoices.json").read_text()


def recording(*steps: dict[str, Any]) -> str:
    visit = {"type": "navigate", "url": "https://shop.example/orders"}
    return json.dumps({"title": "Order", "steps": [visit, *steps]})


def on(selectors: list[Any], **facts: Any) -> dict[str, Any]:
    return {"target": "main", "selectors": selectors, "offsetX": 1, "offsetY": 1, **facts}


def document(text: str, **given: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(import_recording(text, **given).text))


def steps(text: str) -> list[dict[str, Any]]:
    return list(document(text)["stages"][0]["steps"])


@pytest.mark.browser
def test_a_recording_runs_as_imported(run: Run, practice_site: PracticeSite):
    imported = import_recording(RECORDED, credential="practice-shop", effect=Effect.READ)

    result, memory = run(flow(imported.text), base_url=practice_site.url)

    assert result.failure is None
    assert [step.url for step in memory.outcomes][-1] == f"{practice_site.url}/tools"
    said = {step.description for step in memory.intents}
    assert {"Press Enter", "Fill “Status” with “paid”", "Scroll the page to 0, 420"} <= said
    assert "Fill “Note” with “Call Ada”" in said
    # The field in the frame, found through `frame`, was filled as recorded.
    assert {outcome.succeeded for outcome in memory.outcomes} == {True}


def test_typed_values_become_params_and_passwords_a_credential():
    imported = import_recording(RECORDED, credential="practice-shop")

    made = yaml.safe_load(imported.text)
    assert made["params"]["e_mail_address"] == {"title": "E-mail address", "default": DEMO_USERNAME}
    assert made["params"]["base_url"]["default"] == "http://127.0.0.1:8001"
    assert imported.credentials == ("practice-shop",)
    fills = [step["with"] for step in made["stages"][0]["steps"] if "fill" in step]
    assert fills[:2] == ["{{ params.e_mail_address }}", "{{ credential.practice-shop.password }}"]
    assert DEMO_PASSWORD not in imported.text


def test_a_password_field_that_was_left_empty_needs_the_credential_too():
    imported = import_recording(recording(on([["#password"]], type="change", value="")), credential="shop")

    assert imported.credentials == ("shop",)
    assert yaml.safe_load(imported.text)["credentials"] == ["shop"]


@pytest.mark.parametrize("other_first", [True, False])
def test_a_secret_typed_into_another_field_leaves_no_part_of_itself_behind(*, other_first: bool):
    password = on([["#password"]], type="change", value="open-sesame")
    begun, whole = (on([["#again"]], type="change", value=value) for value in ("open-ses", "open-sesame"))

    typed = [begun, whole] if other_first else [whole, begun]
    imported = import_recording(recording(password, *typed), credential="shop")

    made = yaml.safe_load(imported.text)
    fills = [step["with"] for step in made["stages"][0]["steps"] if "fill" in step]
    if other_first:
        assert fills == ["{{ credential.shop.password }}"] * 2
        assert "open-ses" not in imported.text
    else:  # what stood there last was something else
        assert fills == ["{{ credential.shop.password }}", "{{ params.again }}"]
        assert made["params"]["again"]["default"] == "open-ses"


def test_what_has_no_counterpart_is_listed_with_its_number_and_stands_in_the_document():
    imported = import_recording(RECORDED)

    listed = [(item.number, item.kind) for item in imported.unsupported]
    assert listed == [(24, "customStep"), (25, "emulateNetworkConditions"), (26, "click")]
    assert "# - step 26 (click): It uses the secondary mouse button." in imported.text.splitlines()


def test_the_effect_is_commit_until_somebody_says_otherwise():
    assert document(RECORDED)["stages"][0]["effect"] == "commit"
    assert document(RECORDED, effect=Effect.READ)["stages"][0]["effect"] == "read"


def test_every_kind_of_selector_finds_its_place_in_the_target():
    click = on(
        [["aria/Save[role=\"button\"]"], ["#save"], ["xpath///*[@id=\"save\"]"], ["pierce/#save"], ["text/Save"],
         ["my-form", "button"], ["[data-testid=save]"], ["my-form", "text/Save"]],
        type="click", frame=[1],
    )  # fmt: skip

    assert document(recording(click))["targets"]["save"] == {
        "css": ["#save", "my-form button"],
        "test_id": "save",
        "text": "Save",
        "xpath": '//*[@id="save"]',
        "role": "button",
        "name": "Save",
        "frame": "iframe >> nth=1",
    }


@pytest.mark.parametrize(
    ("selectors", "described"),
    [
        ([["aria/Orders"], ["nav > a:nth-of-type(2)"]], {"role": "link", "name": "Orders"}),
        ([["aria/Send"], ["xpath//html/body/form/button[2]"]], {"role": "button", "name": "Send"}),
        ([["aria/City"], ["#city"]], {"label": "City", "visible_text": "City"}),
        ([["#city"]], {}),
    ],
)
def test_a_name_without_a_role_gets_the_role_its_tag_decides(selectors: list[Any], described: dict[str, str]):
    (target,) = document(recording(on(selectors, type="click")))["targets"].values()

    assert {name: value for name, value in target.items() if name not in ("css", "xpath")} == described


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (on([["#a"]], type="click", target="https://other.example/"), "another window"),
        (on([["#a"]], type="click", frame=[0, 1]), "frame within a frame"),
        (on([["host", "text/A"], ["text/{{ A }}"]], type="click"), "None of its selectors"),
        (on([["#a"]], type="waitForElement", operator=">=", count=3), ">= 3"),
        (on([["#a"]], type="waitForElement", attributes={"open": ""}), "properties and attributes"),
        (on([["#a"]], type="change", value="C:\\fakepath\\a.pdf"), "chooses a file"),
        ({"type": "navigate", "url": "chrome://new-tab-page/"}, "Only http and https"),
        ({"type": "navigate", "url": "https://ada:pw@shop.example/"}, "name and password"),
        ({"type": "close"}, "no such step"),
        ({"type": "somethingNew", "novelty": 1}, "no such step"),
    ],
)
def test_what_cannot_be_done_is_said(step: dict[str, Any], reason: str):
    (left_out,) = import_recording(recording(step)).unsupported

    assert left_out.number == 2
    assert reason in left_out.reason


def test_an_asserted_navigation_becomes_a_condition_without_the_number_of_one_thing():
    event = {"type": "navigation", "url": "https://shop.example/orders/SO-17?tab=lines", "title": "SO-17"}

    (_, click) = steps(recording(on([["#a"]], type="click", assertedEvents=[event])))

    assert click["then"] == {"url": "{{ params.base_url }}/orders/"}


def test_a_password_that_stands_in_an_address_too_is_hidden_there():
    typed = on([["#password"]], type="change", value="open&sesame")
    visit = {"type": "navigate", "url": "https://shop.example/?p=open%26sesame"}

    imported = import_recording(recording(typed, visit))

    assert "sesame" not in imported.text
    assert [item.kind for item in imported.unsupported] == ["secret"]


def test_chords_are_pressed_as_one_and_a_lone_modifier_by_itself():
    keyboard = Keyboard()

    downs = [keyboard.down("ControlLeft"), keyboard.down("a"), keyboard.up("a"), keyboard.up("ControlLeft")]

    assert downs == [None, "Control+a", None, None]
    assert (keyboard.down("Shift"), keyboard.up("Shift")) == (None, "Shift")
    assert keyboard.down(" ") == "Space"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"steps": [{"kind": 1}]}', '{"title": "x", "steps": []}'])
def test_what_is_no_recording_is_refused(text: str):
    with pytest.raises(RecordingError):
        import_recording(text)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=10), PLAIN, min_size=1, max_size=5))
def test_what_is_written_reads_back_as_it_was(data: dict[str, Any]):
    assert read_source(yaml_of(data)).data == data


@settings(deadline=None)
@given(value=st.text(max_size=60), title=st.text(max_size=60), words=st.text(min_size=1, max_size=40))
def test_whatever_was_typed_the_document_is_valid(value: str, title: str, words: str):
    typed = on([[f"aria/{words}"], ["#field"]], type="change", value=value)
    text = json.dumps({"title": title, "steps": [{"type": "navigate", "url": "https://a.example/"}, typed]})

    assert problems_in(import_recording(text).text) == []


LEADS = {"type": "navigation", "url": "https://a.example/?p={{y}}", "title": ""}
PLACES = st.sampled_from(
    [["#password"], ["aria/PIN code"], ["aria/{{x}}"], ["xpath///a"], ["text/Go"], ["aria/page"]]
)
RECORDED_STEPS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(
        dict, type=st.just("change"), value=st.sampled_from(["", "open-ses", "open-sesame", "~", "{{ x }}"])
    ),
    st.builds(
        dict, type=st.sampled_from(["keyDown", "keyUp"]), key=st.sampled_from(["a", "Enter", "Shift", "{"])
    ),
    st.builds(
        dict, type=st.sampled_from(["click", "hover", "waitForElement"]), visible=st.none() | st.booleans()
    ),
    st.builds(dict, type=st.just("waitForExpression"), expression=st.sampled_from(["{{ x }}", "a && 'b'"])),
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            RECORDED_STEPS, st.lists(PLACES, min_size=1, max_size=2), st.lists(st.just(LEADS), max_size=2)
        ),
        max_size=6,
    )
)
def test_whatever_follows_whatever_the_document_is_valid(taken: list[tuple[dict[str, Any], Any, Any]]):
    made = [on(selectors, **step, assertedEvents=leads) for step, selectors, leads in taken]

    assert problems_in(import_recording(recording(*made)).text) == []


def test_a_key_that_leads_on_after_a_wait_is_waited_for_too():
    wait = on([["#a"]], type="waitForElement")
    enter = {"type": "keyUp", "key": "Enter", "assertedEvents": [LEADS, LEADS]}

    imported = import_recording(recording(wait, enter))

    *_, waited, led = yaml.safe_load(imported.text)["stages"][0]["steps"]
    assert "wait_for" in waited
    assert "https://a.example/" in led["wait_for"]["url"]
    assert [item.reason for item in imported.unsupported] == [
        "It asserts more than one navigation; the first is taken."
    ]


def test_a_key_that_leads_on_before_anything_was_done_is_listed():
    enter = {"type": "keyUp", "key": "Enter", "assertedEvents": [LEADS]}
    later = on([["#a"]], type="click")

    imported = import_recording(json.dumps({"title": "x", "steps": [enter, later]}))

    assert [(item.number, item.kind) for item in imported.unsupported] == [(1, "keyUp")]
