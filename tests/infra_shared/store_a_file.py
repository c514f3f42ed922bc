"""`python -m tests.infra_shared.store_a_file URL BUCKET FILE`: store a file in a bucket and read it again.

Prints by how many bytes the peak of its memory grew meanwhile, and how many bytes it read.
"""

from __future__ import annotations

import resource
import sys
from datetime import timedelta
from pathlib import Path

from django.conf import settings


def main(url: str, bucket: str, file: str) -> None:
    """Store, read, and say what that took."""
    settings.configure(USE_TZ=True, ORPHAN_GRACE=timedelta(days=1))
    from tests.support.object_store import store_of  # noqa: PLC0415 - needs the settings

    store = store_of(url, bucket)
    store.put(b"what is loaded once is loaded now", text=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with store.open(store.put(Path(file), text=False)) as reader:
        read = sum(len(piece) for piece in iter(lambda: reader.read(256 * 1024), b""))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{(after - before) * 1024} {read}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
