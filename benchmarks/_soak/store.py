"""The store of artifacts against the database: what lies there for nobody, and what is missing there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from benchmarks._chaos.database import Readable

SUFFIXES = {"": "", "zstd": ".zst"}
INCOMING = "incoming"
_REFERRERS = (
    "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c "
    "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) "
    "WHERE c.contype = 'f' AND c.confrelid = 'infra_shared_blob'::regclass"
)
_GAPS = "SELECT kind, missing_reason, count(*) FROM runs_artifact WHERE missing_reason <> '' GROUP BY 1, 2 ORDER BY 3 DESC"
_BARE = (
    "SELECT a.id FROM runs_attempt a WHERE a.state = 'succeeded' "
    "AND NOT EXISTS (SELECT 1 FROM runs_artifact f WHERE f.attempt_id = a.id AND f.kind = 'step_picture')"
)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is there: file names in the store with their bytes, the file name of each row, and which rows are wanted."""

    files: Mapping[str, int]
    rows: Mapping[str, str]
    wanted: Collection[str]

    def orphans(self) -> list[str]:
        """Rows that nothing refers to, and files without a row: each content once."""
        idle = {name for digest, name in self.rows.items() if digest not in self.wanted}
        return sorted(idle | (set(self.files) - set(self.rows.values())))

    def missing(self) -> list[str]:
        """Digests that something refers to and whose file is not there."""
        return sorted(digest for digest in self.wanted if self.rows.get(digest) not in self.files)

    @property
    def stored_bytes(self) -> int:
        """Of all files."""
        return sum(self.files.values())


def read_holdings(database: Readable, root: Path) -> Holdings:
    """The holdings as they are now; uploads that were left unfinished are no blobs and not among them."""
    wanted: set[str] = set()
    for table, column in database.rows(_REFERRERS):
        query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"
        wanted |= {digest for (digest,) in database.rows(query)}
    rows = database.rows("SELECT digest, encoding FROM infra_shared_blob")
    found = (path for path in root.rglob("*") if path.is_file())
    return Holdings(
        files={path.name: path.stat().st_size for path in found if path.parent.name != INCOMING},
        rows={digest: f"{digest}{SUFFIXES[encoding]}" for digest, encoding in rows},
        wanted=wanted,
    )


def read_gaps(database: Readable, holdings: Holdings) -> dict[str, int]:
    """How often evidence is missing, by what is said about it, and where it is missing although nobody said so."""
    gaps = {f"{kind}: {reason}": int(count) for kind, reason, count in database.rows(_GAPS)}
    silent = {
        "unsaid: the row has no file": len(holdings.missing()),
        "unsaid: an attempt succeeded without a picture": len(database.rows(_BARE)),
    }
    return gaps | {reason: count for reason, count in silent.items() if count}
