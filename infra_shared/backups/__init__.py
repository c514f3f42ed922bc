"""Back-ups of the database and the stored bytes as one consistent, verifiable thing, and their way back.

`creating`, `verifying`, `restoring`, `refilling` and `pruning` are the verbs; `place` is the folder that back-ups share, `manifest`
what each says of itself, `thinning` which of them stay, `snapshot` and `clients` how either database is written out and read
in, `stored_bytes` how bytes travel.
May be imported by the command alone.
"""

from __future__ import annotations
