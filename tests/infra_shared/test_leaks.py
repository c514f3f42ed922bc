"""A secret is found in any bytes, however they are packed, and what cannot be searched is not passed."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import lzma
import os
import quopri
import tarfile
import zipfile
import zlib
from urllib.parse import quote

import pytest
import zstandard

from infra_shared.leaks import LeakScan
from infra_shared.redaction import Redactor

SECRET = "canary/Zq7 xk&9"
SHORT = "q7-Zk4"


def _zip(body: bytes, name: str = "notes.txt") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


def _encrypted(zipped: bytes) -> bytes:
    """The archive with its member marked as encrypted, in the member's own head and in the directory."""
    marked = bytearray(zipped)
    marked[6] |= 1
    marked[zipped.index(b"PK\x01\x02") + 8] |= 1
    return bytes(marked)


def _tar(body: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("inner.gz")
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


def _letters_of_pdf(body: bytes) -> list[bytes]:
    return [b"\\%03o" % byte if byte in b"()\\/" else bytes([byte]) for byte in body]


def _pdf(body: bytes) -> bytes:
    return _pdf_of(zlib.compress(body))


def _pdf_of(stream: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n<<>>\nstream\n" + stream + b"\nendstream\nendobj"


PACKED = {
    "plain": lambda body: body,
    "after noise": lambda body: os.urandom(3_000_000) + b"\0" + body,
    "zip": _zip,
    "zip in zip": lambda body: _zip(_zip(_zip(body))),
    "office": lambda body: _zip(b"<w:t>" + body[:5] + b"</w:t><w:t>" + body[5:] + b"</w:t>", "document.xml"),
    "zip behind a program": lambda body: b"MZ\0\0" + os.urandom(500) + _zip(body),
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "gzip in tar": lambda body: _tar(gzip.compress(body)),
    "pdf": _pdf,
    "utf-16": lambda body: body.decode().encode("utf-16"),
    "utf-16 without mark": lambda body: body.decode().encode("utf-16-le"),
    "base64": lambda body: b"x" + base64.b64encode(b"ab" + body),
    "address": lambda body: quote(body).encode(),
    "utf-32": lambda body: body.decode().encode("utf-32"),
    "html in utf-16": lambda body: html.escape(body.decode()).encode("utf-16"),
    "mail in base64": lambda body: b"From: a\n\n" + base64.encodebytes(b"." * 45 + body),
    "mail with other ends of lines": lambda body: base64.encodebytes(b"." * 45 + body).replace(
        b"\n", b"\r\n"
    ),
    "mail in quoted-printable": lambda body: quopri.encodestring(b"=" * 20 + b"a" * 8 + body),
    "pdf in ASCII 85": lambda body: _pdf_of(base64.a85encode(zlib.compress(body)) + b"~>"),
    "pdf in hexadecimal": lambda body: _pdf_of(body.hex().encode() + b">"),
    "pdf that moves letters": lambda body: _pdf(b"[(" + b") -20 (".join(_letters_of_pdf(body)) + b")] TJ"),
    "pdf with strings in hexadecimal": lambda body: _pdf(b"<" + body.hex(" ").encode() + b"> Tj"),
    "pdf with a wrong checksum": lambda body: _pdf_of(zlib.compress(body)[:-4] + b"\0\0\0\0"),
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("secret", [SECRET, SHORT])
def test_a_secret_is_found_however_it_is_packed(packed, secret):
    leak = LeakScan(Redactor([secret])).leak_in(packed(f"before: {secret}; after".encode()))

    assert leak is not None
    assert "holds a secret" in leak.reason
    assert secret not in leak.reason


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_what_holds_no_secret_passes_however_it_is_packed(packed):
    assert LeakScan(Redactor([SECRET, SHORT, "ab"])).leak_in(packed(b"nothing worth hiding in here")) is None


def test_where_the_secret_lies_is_said_without_saying_it():
    leak = LeakScan(Redactor([SECRET])).leak_in(_zip(_zip(SECRET.encode(), "in.txt"), "inner.zip"))

    assert leak is not None
    assert leak.reason == "It holds a secret of its run, in “in.txt” in “inner.zip”."


def test_a_secret_in_a_name_is_found():
    scan = LeakScan(Redactor([SECRET]))

    assert scan.leak_in(b"", name=f"{SECRET}.txt") is not None
    assert scan.leak_in(_zip(b"", f"{SECRET}.txt")) is not None


def test_a_secret_across_two_pieces_of_a_large_file_is_found():
    scan = LeakScan(Redactor([SECRET]))

    for before in range(1024 * 1024 - 20, 1024 * 1024 + 5):
        assert scan.leak_in(b"\0" * before + SECRET.encode() + bytes(2000)) is not None


def test_a_secret_learned_later_is_hunted_too():
    redactor = Redactor([SECRET])
    scan = LeakScan(redactor)
    assert scan.leak_in(b"code 482-913") is None

    redactor.learn(["482-913"])

    assert scan.leak_in(b"code 482-913") is not None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (_zip(bytes(2_000_000)), "too large"),
        (gzip.compress(bytes(2_000_000)), "too large"),
        (_pdf(bytes(2_000_000)), "too large"),
        (gzip.compress(os.urandom(5000))[:2000], "cannot be read"),
        (_zip(os.urandom(5000))[:2000], "cannot be read"),
        (_encrypted(_zip(b"statement")), "encrypted"),
        (_pdf(b"statement") + b"\ntrailer\n<< /Root 1 0 R /Encrypt 7 0 R >>", "encrypted PDF"),
        (_zip(_pdf(b"statement") + b"\n<< /Type /XRef /#45ncrypt << /V 4 >> >>"), "encrypted PDF"),
        (_pdf(b"statement") + b"<< /Filter /LZWDecode >>", "LZW"),
        (b"7z\xbc\xaf\x27\x1c" + os.urandom(500), "7z"),
        (_zip(b"Rar!\x1a\x07\x01\0" + os.urandom(500)), "RAR"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "office"),
    ],
    ids=[
        "bomb",
        "gzip bomb",
        "pdf bomb",
        "cut gzip",
        "cut zip",
        "encrypted zip",
        "encrypted PDF",
        "spelt otherwise",
        "LZW",
        "7z",
        "RAR in zip",
        "encrypted office",
    ],
)
def test_what_cannot_be_searched_to_its_end_is_not_passed(body, why):
    leak = LeakScan(Redactor([SECRET]), most_unpacked_bytes=1_000_000).leak_in(body)

    assert leak is not None
    assert "could not be searched" in leak.reason
    assert why in leak.reason


def test_archives_that_lie_deeper_than_anybody_packs_them_are_not_passed():
    body = b"harmless"
    for _ in range(12):
        body = _zip(body)

    leak = LeakScan(Redactor([SECRET])).leak_in(body)

    assert leak is not None
    assert "deep" in leak.reason


def test_a_pdf_that_speaks_of_encryption_is_not_taken_for_an_encrypted_one():
    assert (
        LeakScan(Redactor([SECRET])).leak_in(
            _pdf(b"/Encrypt is the name of an entry") + b"/EncryptMetadata true"
        )
        is None
    )


def test_without_secrets_nothing_is_searched():
    assert LeakScan(Redactor([])).leak_in(b"PK\x03\x04 damaged") is None
