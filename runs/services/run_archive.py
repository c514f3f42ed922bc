"""Everything a run left, as one zip file that is written while it is sent."""

from __future__ import annotations

import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

from django.utils.text import get_valid_filename

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from infra_shared.blobs.protocol import BlobStore
    from runs.models import Artifact

GAPS = "not-in-here.txt"
_PIECE_BYTES = 256 * 1024
_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip can say; used where no moment belongs to a file, so that equal runs give equal archives."""


class _Pipe:
    """What zipfile writes to: it keeps only what has not been taken yet, and cannot seek."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Take the bytes."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def archive(*, artifacts: Iterable[Artifact], documents: Mapping[str, bytes]) -> Iterator[bytes]:
    """The zip in pieces: the documents by name, then every artifact (fetched with blob, attempt and step).

    Holds one piece in memory, whatever the size of the files. It asks the database nothing. What is missing or cannot
    be read is named in a text file at the end: an answer that has begun cannot fail any more.
    """
    pipe, gaps = _Pipe(), []
    with zipfile.ZipFile(pipe, "w", allowZip64=True) as file:
        for name, body in documents.items():
            file.writestr(zipfile.ZipInfo(name, _DATE), body, zipfile.ZIP_DEFLATED)
        store = artifact_store()
        for name, artifact in named(artifacts):
            if artifact.blob is None:
                gaps.append(f"{name}: {artifact.missing_reason}")
                continue
            try:
                # Closed before the archive is, also when the reader of all this went away in the middle.
                with closing(_copied(file, store, artifact, name)) as copying:
                    for _ in copying:
                        yield pipe.take()
            except BlobError as error:
                gaps.append(f"{name}: {error}")
        if gaps:
            file.writestr(zipfile.ZipInfo(GAPS, _DATE), "\n".join(gaps).encode(), zipfile.ZIP_DEFLATED)
    yield pipe.take()


def named(artifacts: Iterable[Artifact]) -> Iterator[tuple[str, Artifact]]:
    """Each artifact with its name in the archive: the same names whenever the same artifacts come in the same order."""
    taken: set[str] = set()
    for artifact in artifacts:
        yield _name(artifact, taken), artifact


def _copied(
    file: zipfile.ZipFile, store: BlobStore, artifact: Artifact, name: str
) -> Generator[int, None, None]:
    """Copy one artifact, a piece at a time."""
    assert artifact.blob is not None
    with store.open(artifact.blob) as reader:
        info = zipfile.ZipInfo(name, artifact.captured_at.timetuple()[:6])
        # Pictures and traces are compressed as they are.
        is_text = artifact.content_type.startswith(("text/", "application/json", "application/x-ndjson"))
        info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        with file.open(info, "w", force_zip64=True) as entry:
            while piece := reader.read(_PIECE_BYTES):
                entry.write(piece)
                yield len(piece)


def _name(artifact: Artifact, taken: set[str]) -> str:
    """A name that says attempt and step; the artifact's own name, which a site may have chosen, is made harmless."""
    folder = f"attempt-{artifact.attempt.number}" if artifact.attempt else "run"
    step = f"step-{artifact.step.index:03}-" if artifact.step else ""
    own = get_valid_filename(artifact.name.replace("..", "_") or artifact.kind)[-80:]
    name = f"{folder}/{step}{artifact.kind}-{own}"
    if name in taken:
        name = f"{folder}/{step}{artifact.pk}-{own}"
    taken.add(name)
    return name
