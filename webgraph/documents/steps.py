"""Steps as data. The first key says what is done; the others say how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from webgraph.documents.conditions import Condition, When, keyed
from webgraph.documents.fields import AnswerField
from webgraph.documents.parts import AnyTarget, Name, Part, Pattern, Seconds, Text
from webgraph.errors import FailureKind

MOST_REPEATS = 1000
Into = Annotated[Name | None, Field(description="The name in `state` under which it is kept.")]
AddTo = Annotated[Name | None, Field(description="The list in `state` to which it is added.")]


class Step(Part):
    """What every step may say."""

    when: When | None = Field(default=None, description="Make the step only if this holds.")
    timeout_seconds: Seconds | None = Field(
        default=None, description="How long this step may take; else as `options` says."
    )


class Acting(Step):
    """What every step that acts may say."""

    then: Condition | None = Field(default=None, description="What must be true afterwards.")
    dialog: Literal["accept", "dismiss"] = Field(
        default="dismiss", description="How a dialog that the page opens meanwhile is answered."
    )


class Reading(Step):
    """What every step that reads may say."""

    into: Into = None
    add_to: AddTo = None

    @model_validator(mode="after")
    def _kept_once(self) -> Reading:
        if (self.into is None) == (self.add_to is None):
            msg = "say where it is kept: either `into` or `add_to`"
            raise ValueError(msg)
        return self


class Goto(Acting):
    """Open an address and wait until it is loaded. 429 and 5xx are failures, 4xx is not."""

    goto: Text
    ok: list[int] | None = Field(
        default=None, description="The only statuses that are fine; every other is a failure."
    )
    any_status: bool = Field(default=False, description="Whether every status is fine.")
    into: Into = None


class Click(Acting):
    """Click a thing once, and let the page load if that navigates."""

    click: AnyTarget


class DoubleClick(Acting):
    """Click a thing twice, as one gesture."""

    double_click: AnyTarget


class Hover(Acting):
    """Put the pointer over a thing."""

    hover: AnyTarget


class Scroll(Acting):
    """Scroll a thing's content, or the page's with `page`, to a position in CSS pixels."""

    scroll: Literal["page"] | AnyTarget
    x: float = 0
    y: float = 0


class Fill(Acting):
    """Replace a field's value, or choose an option where the field is a list to choose from."""

    fill: AnyTarget
    with_: Text = Field(
        alias="with", description="The value. Only here may it be `{{ credential.NAME.FIELD }}`."
    )


class FillCode(Acting):
    """Replace a field's value by a one-time code that was not used yet; the step waits for one if need be."""

    fill_code: AnyTarget
    credential: str = Field(description="The name of the credential whose `totp_seed` makes the codes.")


class Select(Acting):
    """Choose an option by its label or value."""

    select: AnyTarget
    option: Text


class Press(Acting):
    """Press a key or chord, such as `Enter` or `Control+A`, on a thing or on whatever has the focus."""

    press: str = Field(min_length=1, max_length=60)
    on: AnyTarget | None = None


class Check(Acting):
    """Tick a checkbox or choose a radio button."""

    check: AnyTarget


class Uncheck(Acting):
    """Clear a checkbox."""

    uncheck: AnyTarget


class UploadFile(Part):
    """A file that is made of a text. Its name and text may hold variables."""

    name: Text
    text: Text
    content_type: str = "text/plain"


class GivenFile(Part):
    """A file the run was given."""

    file: Text = Field(description="A param of type `file`: `{{ params.invoice }}`.")


def _file_tag(value: Any) -> str:
    is_given = "file" in value if isinstance(value, dict) else isinstance(value, GivenFile)
    return ":given" if is_given else ":made"


AnyFile = Annotated[
    Annotated[GivenFile, Tag(":given")] | Annotated[UploadFile, Tag(":made")], Discriminator(_file_tag)
]


class Upload(Acting):
    """Put files into a file input."""

    upload: AnyTarget
    files: list[AnyFile] = Field(min_length=1, max_length=20)


class Download(Step):
    """Click a thing that gives a file, wait for the whole file and keep it. `into` holds its name and size_bytes."""

    download: AnyTarget
    into: Into = None


class Popup(Step):
    """Click a thing that opens a window, make the steps in that window, and close it."""

    popup: AnyTarget
    steps: list[AnyStep] = Field(min_length=1)


class Expectation(Part):
    """What must be so: a visible target, with a text if given; an address; or both."""

    target: AnyTarget | None = None
    text: Pattern | None = None
    url: Pattern | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Expectation:
        if self.target is None and (self.url is None or self.text is not None):
            msg = "name a `target` or a `url`; `text` belongs to a target"
            raise ValueError(msg)
        return self


class Expect(Step):
    """Check that something is so; else the run fails as `wrong_page`."""

    expect: Expectation


class WaitFor(Step):
    """Wait until a condition holds."""

    wait_for: Condition


class ReadText(Reading):
    """Keep the visible text of a thing, or a field's value."""

    text: AnyTarget
    pick: str | None = Field(
        default=None, description="A regular expression; its first group (or the whole match) is kept."
    )


class Pages(Part):
    """How to turn to the next page of a list; what is read from each page is put together."""

    next: AnyTarget = Field(description="What leads to the next page; on the last one it is not visible.")
    then: Condition | None = Field(
        default=None,
        description="How to see that the next page is there; `{{ pages.next_row }}` is its first row's number.",
    )
    most: int = Field(
        default=100, ge=1, le=MOST_REPEATS, description="If there are more pages than this, the run fails."
    )


class ExtractTable(Reading):
    """Keep the rows of a table, each as column heading to text."""

    extract_table: AnyTarget
    pages: Pages | None = None


class ExtractList(Reading):
    """Keep one record for each thing inside the target that the CSS selector `each` finds."""

    extract_list: AnyTarget
    each: Text
    fields: dict[str, str] = Field(
        min_length=1,
        description="Name to CSS selector inside the thing, or `selector@attribute`; not there is an empty text.",
    )
    pages: Pages | None = None


class ExtractFields(Reading):
    """Keep one record out of a thing."""

    extract_fields: AnyTarget
    fields: dict[str, str] = Field(min_length=1, description="As in `extract_list`.")


class Ask(Step):
    """Ask a person and keep the answer. The attempt ends here, and another one begins with this stage when somebody has
    answered: a question belongs at the beginning of a stage, and into none that commits. With `hold` the browser waits
    as it is, for up to five minutes.
    """  # noqa: D205 - the published schema shows it as one paragraph

    ask: Text
    answer: dict[Name, AnswerField] = Field(min_length=1, description="What is wanted to know.")
    into: Name = Field(
        description="The name under which the answer is kept: `{{ state.NAME.FIELD }}`, and its secrets, for the rest of "
        "this stage and to be typed alone, `{{ answer.NAME.FIELD }}`."
    )
    within_seconds: float = Field(
        default=86400, gt=0, le=30 * 86400, description="How long somebody has to answer."
    )
    hold: bool = Field(default=False, description="Whether the browser waits for the answer.")
    on_timeout: FailureKind = Field(
        default=FailureKind.TIMEOUT, description="How the run fails when nobody answers."
    )


class Fail(Step):
    """End the attempt with a failure of this kind, such as `auth` when the site refused the sign-in."""

    fail: FailureKind
    because: Text


class ForEach(Step):
    """Make the steps once for each entry of a list."""

    for_each: Text = Field(description="A variable that holds a list, such as `{{ state.links }}`.")
    as_: Name = Field(alias="as", description="The variable that holds the entry: `{{ link }}`.")
    most: int = Field(
        default=100, ge=1, le=MOST_REPEATS, description="If there are more entries than this, the run fails."
    )
    steps: list[AnyStep] = Field(min_length=1)


STEPS: dict[str, type[Step]] = {
    "goto": Goto,
    "click": Click,
    "double_click": DoubleClick,
    "hover": Hover,
    "scroll": Scroll,
    "fill": Fill,
    "fill_code": FillCode,
    "select": Select,
    "press": Press,
    "check": Check,
    "uncheck": Uncheck,
    "upload": Upload,
    "download": Download,
    "popup": Popup,
    "expect": Expect,
    "wait_for": WaitFor,
    "text": ReadText,
    "extract_table": ExtractTable,
    "extract_list": ExtractList,
    "extract_fields": ExtractFields,
    "ask": Ask,
    "fail": Fail,
    "for_each": ForEach,
}

if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = keyed(**STEPS)

Popup.model_rebuild()
ForEach.model_rebuild()
