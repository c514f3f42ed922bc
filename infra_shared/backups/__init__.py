"""Back-ups of the database and the stored bytes as one consistent, verifiable thing, and their way back.

`creating`, `verifying`, `restoring` and `refilling` are the verbs; `place` is the folder that back-ups share, `manifest` what each
says of itself, `snapshot` and `databases` how either database is written out and read in, `stored_bytes` how bytes travel.
May be imported by the command alone.
"""

from __future__ import annotations
