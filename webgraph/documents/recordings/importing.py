"""A recording in, a flow document out: typed values become params, passwords the field of a credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

from webgraph.documents.reading import problems_in
from webgraph.documents.recordings import addresses
from webgraph.documents.recordings.converting import Conversion, Unsupported
from webgraph.documents.recordings.format import RecordingError, read_recording
from webgraph.documents.recordings.names import key_from
from webgraph.documents.recordings.writing import commented, yaml_of
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from webgraph.documents.recordings.format import Recording

_SHORTEST_SECRET = 4
_HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFlow:
    """A document made from a recording, and what of the recording it does not hold."""

    key: str
    text: str
    credentials: tuple[str, ...]
    unsupported: tuple[Unsupported, ...]


def import_recording(
    text: str, *, key: str | None = None, credential: str | None = None, effect: Effect = Effect.COMMIT
) -> ImportedFlow:
    """The flow document of a recording in Chrome's JSON.

    A recording does not say what its steps do to the outside world. `effect` does; with `commit`, the careful choice,
    an attempt that breaks off is looked at by a person and never repeated by the machine. The passwords that were
    typed are nowhere in the document. Raises RecordingError.
    """
    recording = read_recording(text)
    base = next((addresses.origin_of(url) for url in _opened(recording)), None)
    key = key or key_from(recording.title, otherwise="recording")
    credential = credential or _credential_for(base, key)
    conversion = Conversion(base=base, credential=credential)
    for step in recording.steps:
        conversion.take(step)
    if not conversion.steps:
        raise RecordingError("The recording holds no step that a flow can make.")
    document = _document(recording, conversion, key=key, credential=credential, effect=effect)
    body, hidden = _without(yaml_of(document), conversion.secrets)
    unsupported = [*conversion.unsupported, *hidden]
    remarks, _ = _without(commented(_remarks(recording, effect, unsupported)), conversion.secrets)
    written = remarks + body
    problems = problems_in(written)
    if problems:
        raise RecordingError(f"The recording cannot be written as a flow: {problems[0]}")
    return ImportedFlow(
        key=key,
        text=written,
        credentials=(credential,) if conversion.signs_in else (),
        unsupported=tuple(unsupported),
    )


def _opened(recording: Recording) -> list[str]:
    found = [step.url for step in recording.steps if step.type == "navigate" and step.url]
    return [url for url in found if addresses.is_web(url)]


def _credential_for(base: str | None, key: str) -> str:
    host = urlsplit(base or "").hostname or ""
    named = host.removeprefix("www.")
    return key_from(named, otherwise=key) if any(letter.isalpha() for letter in named) else key


def _document(
    recording: Recording, conversion: Conversion, *, key: str, credential: str, effect: Effect
) -> dict[str, Any]:
    document: dict[str, Any] = {"key": key, "title": recording.title[:200]}
    if conversion.params:
        document["params"] = conversion.params
    if conversion.signs_in:
        document["credentials"] = [credential]
    if conversion.viewport:
        document["profile"] = {"viewport": conversion.viewport}
    if recording.timeout and recording.timeout > 0:
        document["options"] = {"step_timeout_seconds": min(recording.timeout / 1000, 3600)}
    if conversion.targets:
        document["targets"] = conversion.targets
    stage = {"name": "recorded", "title": "As recorded", "effect": effect.value, "steps": conversion.steps}
    return {**document, "stages": [stage]}


def _remarks(recording: Recording, effect: Effect, unsupported: list[Unsupported]) -> list[str]:
    lines = [
        f"From a recording of Chrome's DevTools Recorder: {recording.title}",
        f"Its one stage is declared {effect.value}: cut it into stages, and say of each what it does.",
    ]
    if unsupported:
        lines.append("Not taken over:")
        lines += [f"- {item}" for item in unsupported]
    return lines


def _without(text: str, secrets: list[str]) -> tuple[str, list[Unsupported]]:
    """The text without the typed secrets, should one stand anywhere else, such as in an address."""
    found: list[Unsupported] = []
    for secret in secrets:
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            if len(form) >= _SHORTEST_SECRET and form in text:
                text = text.replace(form, _HIDDEN)
                found.append(
                    Unsupported(0, "secret", "What was typed as a password stood in another place too.")
                )
    return text, list(dict.fromkeys(found))
