"""Looking into archives and compressed streams with bounds on what is unpacked, however they were made."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import zstandard

from infra_shared.pdf_text import shown_by_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_UNPACKED_BYTES = 128 * 1024 * 1024
_MOST_MEMBERS = 20_000
_DEEPEST = 8
_PIECE_BYTES = 4096
_ZLIB_HEAD_BYTES = 2
_PDF_HEAD_BYTES = 1024
_PDF_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_PDF_LZW = re.compile(rb"/LZW(?:Decode)?(?=[\s/\]>])")
_HEX_STREAM = re.compile(rb"[0-9A-Fa-f\s]+>")
# Names in a PDF may spell any character as #xx. The entry stands in its trailer, or in the dictionary of the stream that
# takes the trailer's place, neither of which is itself encrypted; both are followed by the encryption's own object.
_PDF_ENCRYPTED = re.compile(
    rb"/"
    + b"".join(b"(?:%c|#%02x|#%02X)" % (byte, byte, byte) for byte in b"Encrypt")
    + rb"\s*(?:<<|\d+\s+\d+\s+R)"
)
_ZIP = b"PK\x03\x04"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")  # a stream's name
# What nothing here unpacks; by so many bytes that none of them stands at the beginning of a picture by chance.
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"MSCF\0\0\0\0": "CAB",
    b"LZIP": "lzip",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\x1f\x9d\x90": "compress",
}


class UnsearchableError(Exception):
    """A container cannot be looked into, or not to its end; the message says why."""


@dataclass(slots=True)
class _Left:
    unpacked_bytes: int
    members: int = _MOST_MEMBERS


class Budget:
    """What may still be unpacked of one file, all its containers in containers together."""

    def __init__(self, most_bytes: int, *, _left: _Left | None = None, _depth: int = _DEEPEST) -> None:
        self._left = _left or _Left(most_bytes)
        self._depth = _depth

    def deeper(self) -> Budget:
        """The same budget one container further in."""
        return Budget(0, _left=self._left, _depth=self._depth - 1)

    def open_one(self) -> None:
        """Count a member; raises UnsearchableError when there are too many, or when it lies too deep."""
        self._left.members -= 1
        if self._left.members < 0:
            raise UnsearchableError(f"it has more than {_MOST_MEMBERS} members.")
        if self._depth <= 0:
            raise UnsearchableError(f"archives lie in it more than {_DEEPEST} deep.")

    def read(self, source: IO[bytes]) -> bytes:
        """Everything a source gives; raises UnsearchableError when that is more than is left."""
        body = source.read(self._left.unpacked_bytes + 1)
        if len(body) > self._left.unpacked_bytes:
            raise UnsearchableError("unpacked it is too large.")
        self._left.unpacked_bytes -= len(body)
        return body


def unpacked(body: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """What is packed inside: the members of an archive by name, or what a stream holds; nothing for other bytes.

    Known are zip (office files are such), tar, gzip, bzip2, xz, zstd, and the packed streams of a PDF. Raises
    UnsearchableError for one that is encrypted, damaged, beyond the budget, or of a kind that is not unpacked here.
    """
    _check_openable(body)
    if b"%PDF-" in body[:_PDF_HEAD_BYTES]:
        yield from _pdf_streams(body, budget)
    elif _is_zip(body):
        yield from _zip_members(body, budget)
    elif body[257:262] == b"ustar":
        yield from _tar_members(body, budget)
    else:
        for magic, (name, opened) in _STREAMS.items():
            if body.startswith(magic):
                budget.open_one()
                yield name, _whole(opened(io.BytesIO(body)), budget)


def _check_openable(body: bytes) -> None:
    for magic, kind in _CLOSED.items():
        if body.startswith(magic):
            raise UnsearchableError(f"{kind} archives are not unpacked here.")
    if body.startswith(_COMPOUND_FILE) and _ENCRYPTED_OFFICE in body:
        raise UnsearchableError("it is an encrypted office file.")


def _is_zip(body: bytes) -> bool:
    return body.startswith(_ZIP) or (b"PK\x05\x06" in body[-66_000:] and zipfile.is_zipfile(io.BytesIO(body)))


def _zip_members(body: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                budget.open_one()
                with archive.open(member) as source:
                    yield member.filename, budget.read(source)
    except UnsearchableError:
        raise
    # RuntimeError: an encrypted member; NotImplementedError: a method of compression that is not known.
    except (
        zipfile.BadZipFile,
        RuntimeError,
        OSError,
        ValueError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise UnsearchableError(f"as an archive it cannot be read ({error}).") from error


def _tar_members(body: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
            for member in archive:
                budget.open_one()
                source = archive.extractfile(member) if member.isfile() else None
                if source is not None:
                    yield member.name, budget.read(source)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise UnsearchableError(f"as an archive it cannot be read ({error}).") from error


def _pdf_streams(body: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Every stream that is deflated, or written in letters; what is neither was searched as it is."""
    if _PDF_ENCRYPTED.search(body):
        raise UnsearchableError("it is an encrypted PDF.")
    if _PDF_LZW.search(body):
        raise UnsearchableError("parts of the PDF are packed by LZW, which is not unpacked here.")
    for number, found in enumerate(_PDF_STREAM.finditer(body), start=1):
        raw = plain = _from_letters(found[1])
        if _has_zlib_head(raw):
            plain = budget.read(cast("IO[bytes]", _Inflated(raw)))
        if plain is not found[1]:
            budget.open_one()
            yield f"stream {number}", plain
        if shown := shown_by_pdf(plain):
            yield f"the text of stream {number}", shown


def _has_zlib_head(stream: bytes) -> bool:
    head = stream[:_ZLIB_HEAD_BYTES]
    return len(head) == _ZLIB_HEAD_BYTES and head[0] & 0x0F == 8 and not int.from_bytes(head) % 31


def _from_letters(stream: bytes) -> bytes:
    """What a stream of a PDF holds that is written in ASCII 85 or in hexadecimal; any other one itself."""
    text = stream.strip()
    try:
        if text.endswith(b"~>"):
            return base64.a85decode(text.removeprefix(b"<~")[:-2])
        if _HEX_STREAM.fullmatch(text):
            return bytes.fromhex(text[:-1].decode())
    except ValueError:
        return stream  # it only looked like one
    return stream


class _Inflated:
    """As much of a zlib stream as is asked for, as a file that is read once.

    Neither its checksum nor its end counts: the programs that show a PDF do without them, too.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, size: int) -> bytes:
        inflating, found = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
        for at in range(_ZLIB_HEAD_BYTES, len(self._raw), _PIECE_BYTES):
            if len(found) >= size:
                break
            try:
                found += inflating.decompress(self._raw[at : at + _PIECE_BYTES], size - len(found))
            except zlib.error:
                break
        return bytes(found)


def _whole(source: IO[bytes], budget: Budget) -> bytes:
    try:
        with source:
            return budget.read(source)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise UnsearchableError(f"what is compressed in it cannot be read ({error}).") from error


def _zstd(source: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))


_STREAMS: dict[bytes, tuple[str, Callable[[IO[bytes]], IO[bytes]]]] = {
    b"\x1f\x8b": ("gzip", lambda source: cast("IO[bytes]", gzip.GzipFile(fileobj=source))),
    b"BZh": ("bzip2", lambda source: cast("IO[bytes]", bz2.BZ2File(source))),
    b"\xfd7zXZ\x00": ("xz", lambda source: cast("IO[bytes]", lzma.LZMAFile(source))),  # noqa: SIM115 - `_whole` closes it
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
}
