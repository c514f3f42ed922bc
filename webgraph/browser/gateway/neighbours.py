"""Who is at the other end of a connection on this machine: a user may not go out through another one's door."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path

_TABLE = Path(
    "/proc/net/tcp"
)  # proc(5): addresses and ports in hexadecimal, the address in the machine's byte order
_ADDRESS, _PEER, _USER = 1, 2, 7


def is_own(peer: tuple[str, int], here: tuple[str, int]) -> bool:
    """Whether the process that connected from `peer` to `here` belongs to this process's user. Reads a file.

    Only Linux tells; elsewhere everybody on the machine counts as the same user.
    """
    if not sys.platform.startswith("linux"):
        return True
    wanted = [_written(peer), _written(here)]
    for line in _TABLE.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if [fields[_ADDRESS], fields[_PEER]] == wanted:
            return int(fields[_USER]) == os.getuid()
    return False  # it went away meanwhile


def _written(end: tuple[str, int]) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(end[0]))
    return f"{number:08X}:{end[1]:04X}"
