"""Files that go into a page and come out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

FORMAT = "input-file"
"""What the JSON Schema of a param that is a file calls it: `{"type": "string", "format": "input-file"}`."""
CONTEXT = "input_files"
"""Where pydantic finds the files of an attempt: a mapping of references to `InputFile`, in the validation's context."""
OCTETS = "application/octet-stream"
LONGEST_NAME = 150

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff\u202a-\u202e\u2066-\u2069]+')
_LONGEST_REFERENCE = 4096


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file a run was given: the type of a param. In JSON it is a text, the reference under which the file is known.

    `path` is there while the attempt runs: a copy in the attempt's own folder, gone with it. The content type is what
    the sender said, and nothing says that it is true.
    """

    reference: str
    name: str = ""
    content_type: str = OCTETS
    copy: Path | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """The attempt's copy of the file."""
        if self.copy is None:
            msg = "The file can be read only while an attempt runs."
            raise RuntimeError(msg)
        return self.copy

    def __str__(self) -> str:
        return self.name or self.reference

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """A reference becomes the attempt's file; outside an attempt it stays a reference without one."""
        text = core_schema.str_schema(min_length=1, max_length=_LONGEST_REFERENCE)
        return core_schema.with_info_wrap_validator_function(
            _found,
            text,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda file: file.reference, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _core: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """What forms and callers go by."""
        return {"type": "string", "format": FORMAT}


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file an automation makes itself, to put into a page's file input."""

    name: str
    body: bytes = field(repr=False)
    content_type: str = OCTETS


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file a page gave; it is kept as evidence, and its bytes are at hand for the automation."""

    name: str
    size_bytes: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What opening an address led to. `status` is None when the browser answered by itself (same-document moves)."""

    status: int | None
    final_url: str
    title: str


def safe_name(name: str) -> str:
    """A file's name that is a name anywhere: no folders, no control or bidi characters, no leading dots, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    clean = _NOT_IN_NAMES.sub("_", last).strip(" ").lstrip(".").strip(" ") or "file"
    stem, suffix = Path(clean).stem, Path(clean).suffix[:20]
    while len(f"{stem}{suffix}".encode()) > LONGEST_NAME:
        stem = stem[:-1]
    return f"{stem}{suffix}"


def _found(
    value: Any, as_text: core_schema.ValidatorFunctionWrapHandler, info: core_schema.ValidationInfo
) -> InputFile:
    if isinstance(value, InputFile):
        return value
    reference: str = as_text(value)
    files = info.context.get(CONTEXT) if isinstance(info.context, dict) else None
    if files is None:
        return InputFile(reference)
    if reference not in files:
        msg = "this file was not given to the attempt"
        raise ValueError(msg)
    found: InputFile = files[reference]
    return found
