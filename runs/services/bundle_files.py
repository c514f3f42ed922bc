"""Reading a bundle that anybody may have made: nothing of it is believed, and nothing is unpacked by the names it gives."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from pydantic import ValidationError

from runs.errors import BundleRefusedError
from runs.services.bundle_format import DOCUMENT, Bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 4 * 1024**3
"""Of all files of a bundle together, once unpacked."""
MOST_FILES = 50_000
LONGEST_DOCUMENT_BYTES = 64 * 1024**2
_IN_MEMORY_BYTES = 8 * 1024**2
_PIECE_BYTES = 256 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What zipfile raises for what is cut off, damaged, encrypted or packed in a way it does not know."""
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class BundleFile:
    """An open bundle. Sizes are those that were really read, never those that the file claims."""

    def __init__(self, file: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], most_bytes: int) -> None:
        self._file = file
        self._entries = entries
        self._left = most_bytes

    def document(self) -> Bundle:
        """What it says of the run; BundleRefusedError when it is no document of this format."""
        if DOCUMENT not in self._entries:
            raise BundleRefusedError(
                f"There is no {DOCUMENT} in it. A run is exported by `manage.py runs export`; archives of runs that had not "
                "ended, and of older releases, have none."
            )
        with self._opened(DOCUMENT) as source:
            body = source.read(LONGEST_DOCUMENT_BYTES + 1)
        if len(body) > LONGEST_DOCUMENT_BYTES:
            raise BundleRefusedError(f"{DOCUMENT} is larger than {LONGEST_DOCUMENT_BYTES} bytes.")
        try:
            return Bundle.model_validate(_storable(json.loads(body)))
        except (ValueError, RecursionError) as error:
            raise BundleRefusedError(_complaint(error)) from error

    def has(self, name: str) -> bool:
        """Whether there is such a file in it."""
        return name in self._entries

    @contextmanager
    def body(self, name: str, *, size_bytes: int, digest: str) -> Iterator[bytes | Path]:
        """The bytes of one file, in a temporary one where they are many; they are what the document says of them."""
        if size_bytes > self._left:
            raise BundleRefusedError(
                "Its files are larger than what is allowed; allow more with --max-bytes."
            )
        self._left -= size_bytes
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
            found, read = hashlib.sha256(), 0
            with self._opened(name) as source:
                # One byte more than there may be: a file that goes on is not unpacked further.
                while read <= size_bytes and (piece := source.read(min(_PIECE_BYTES, size_bytes + 1 - read))):
                    found.update(piece)
                    spool.write(piece)
                    read += len(piece)
            if read != size_bytes or found.hexdigest() != digest:
                raise BundleRefusedError(f"{name} is not the file that {DOCUMENT} describes.")
            spool.seek(0)
            if read <= _IN_MEMORY_BYTES:
                yield spool.read()
                return
            with tempfile.NamedTemporaryFile(prefix="bundle-") as file:
                while piece := spool.read(_PIECE_BYTES):
                    file.write(piece)
                file.flush()
                yield Path(file.name)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._file.open(self._entries[name]) as source:
                yield source
        except _DAMAGE as error:
            raise BundleRefusedError(f"{name} cannot be read: the file is damaged ({error}).") from error


@contextmanager
def open_bundle(path: Path, *, most_bytes: int = MOST_BYTES) -> Iterator[BundleFile]:
    """A bundle whose table of contents is harmless; BundleRefusedError otherwise."""
    try:
        size = path.stat().st_size
        file = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise BundleRefusedError(f"{path} is no zip file that can be read: {error}.") from error
    with file:
        yield BundleFile(file, _checked(file.infolist(), size), most_bytes)


def _checked(entries: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > MOST_FILES:
        raise BundleRefusedError(f"It holds {len(entries)} files; {MOST_FILES} is the most.")
    if sum(entry.compress_size for entry in entries) > size:
        raise BundleRefusedError("Its files lie on top of each other: it was made to do harm.")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        if _is_outside(entry.filename) or entry.filename in found:
            raise BundleRefusedError(f"It holds a file under a name that is not allowed: {entry.filename!r}.")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise BundleRefusedError(f"{entry.filename!r} is packed in a way that is not allowed.")
        found[entry.filename] = entry
    return found


def _is_outside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name


def _storable(value: Any) -> Any:
    """The same without zero bytes in its texts, which PostgreSQL does not store."""
    match value:
        case str():
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(name): _storable(item) for name, item in value.items()}
        case _:
            return value


def _complaint(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{DOCUMENT} does not fit: {where}: {first['msg']}. A newer release may have written it."
    return f"{DOCUMENT} is no document: {error}."
