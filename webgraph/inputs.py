"""The files an attempt is given: where they come from, and their copies in the attempt's folder."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from webgraph.errors import InputUnavailableError
from webgraph.files import FORMAT, OCTETS, InputFile, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class InputSource(Protocol):
    """Where the bytes of an input file are."""

    @property
    def name(self) -> str:
        """What the file is called."""

    @property
    def content_type(self) -> str:
        """What its sender said that it is."""

    def save_to(self, path: Path) -> None:
        """Write a copy. Blocks, is called on a thread of its own, and raises InputUnavailableError when it cannot."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine, as whoever runs an automation without a server names it."""

    path: Path
    content_type: str = OCTETS

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.name

    def save_to(self, path: Path) -> None:
        """Copy it."""
        try:
            shutil.copyfile(self.path, path)
        except OSError as error:
            msg = f"The file {self.name} cannot be read: {error.strerror}."
            raise InputUnavailableError(msg, permanent=True) from error


class Inputs:
    """The input files of one attempt, each in a folder of its own, so that two of the same name are both there."""

    def __init__(self, sources: Mapping[str, InputSource], folder: Path) -> None:
        self._sources = sources
        self.files: dict[str, InputFile] = {}
        for number, (reference, source) in enumerate(sources.items(), start=1):
            name = safe_name(source.name)
            copy = folder / str(number) / name
            self.files[reference] = InputFile(reference, name, source.content_type, copy)

    async def fetch(self) -> None:
        """Write all copies; raises what a source raises."""
        for reference, file in self.files.items():
            await asyncio.to_thread(_fetch, self._sources[reference], file.path)


def _fetch(source: InputSource, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    source.save_to(path)


def named_files(schema: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted path and reference of every file that params name, wherever their JSON Schema says that a file stands."""
    properties = schema.get("properties", {})
    for name, value in params.items():
        yield from _named(properties.get(name, {}), value, schema, name)


def wants_files(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether a part of a params schema is a file, or a list of files."""
    return any(
        part.get("format") == FORMAT or ("items" in part and wants_files(part["items"], schema))
        for part in parts_of(spec, schema)
    )


def _named(
    spec: Mapping[str, Any], value: Any, schema: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    for part in parts_of(spec, schema):
        if isinstance(value, str) and part.get("format") == FORMAT:
            yield path, value
            return
        if isinstance(value, list):
            for number, entry in enumerate(value):
                yield from _named(part.get("items", {}), entry, schema, f"{path}.{number}")
        elif isinstance(value, dict):
            inner, others = part.get("properties", {}), part.get("additionalProperties")
            for name, entry in value.items():
                known = inner.get(name, others if isinstance(others, dict) else {})
                yield from _named(known, entry, schema, f"{path}.{name}")


def parts_of(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The part itself and what it may be instead, references followed."""
    seen: list[Mapping[str, Any]] = [spec]
    for part in seen:
        if "$ref" in part:
            seen.append(schema.get("$defs", {}).get(part["$ref"].rsplit("/", 1)[-1], {}))
        for key in ("anyOf", "oneOf", "allOf"):
            seen.extend(part.get(key, ()))
        yield part
