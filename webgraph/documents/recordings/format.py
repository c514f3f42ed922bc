"""A recording as Chrome writes it. Keys it does not need are let pass: new versions of Chrome add some."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

LARGEST_BYTES = 2 * 1024 * 1024
MOST_STEPS = 2000


class RecordingError(Exception):
    """The text is no recording; the message says why."""


class _Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="allow")


class AssertedEvent(_Recorded):
    """Something that followed a step; so far Chrome knows navigations only."""

    type: str
    url: str | None = None
    title: str | None = None


class RecordedStep(_Recorded):
    """One step. Which of the fields it has depends on its type."""

    type: str
    target: str | None = None
    frame: list[int] = Field(default_factory=list)
    selectors: list[str | list[str]] = Field(default_factory=list)
    timeout: float | None = Field(default=None, description="Milliseconds.")
    asserted_events: list[AssertedEvent] = Field(default_factory=list)

    url: str | None = None
    value: str | None = None
    key: str | None = None
    button: str = "primary"
    duration: float | None = Field(default=None, description="Milliseconds between press and release.")
    x: float = 0
    y: float = 0
    width: int | None = None
    height: int | None = None
    device_scale_factor: float = 1
    is_mobile: bool = False
    has_touch: bool = False
    expression: str | None = None
    operator: str = ">="
    count: int = 1
    visible: bool | None = None
    properties: dict[str, Any] | None = None
    attributes: dict[str, str] | None = None
    name: str | None = None


class Recording(_Recorded):
    """A whole recording."""

    title: str = "Recording"
    timeout: float | None = Field(default=None, description="Milliseconds for each step.")
    selector_attribute: str | None = None
    steps: list[RecordedStep] = Field(max_length=MOST_STEPS)


def read_recording(text: str) -> Recording:
    """The recording of a JSON text; RecordingError when it is none."""
    if len(text.encode(errors="surrogatepass")) > LARGEST_BYTES:
        raise RecordingError(f"The recording is larger than {LARGEST_BYTES // 1024} KiB.")
    try:
        return Recording.model_validate(json.loads(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")))
    except (json.JSONDecodeError, RecursionError) as error:
        raise RecordingError(f"This is not valid JSON: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise RecordingError(
            f"This is no recording of Chrome's DevTools Recorder: {place}: {first['msg']}."
        ) from error
