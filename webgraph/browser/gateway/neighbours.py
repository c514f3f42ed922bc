"""Who is at the other end of a connection on this machine: a user may not go out through another one's door."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path

End = tuple[str, int]

# sock_diag(7): a message's head, then which one socket is meant; the answer is a head and what is known of that socket.
_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG, which Python has no name for
_HEAD = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_QUESTION = struct.Struct("=BBBxI")  # family, protocol, extensions; states
_SOCKET = struct.Struct("!HH16s16s")  # ports and addresses in the network's order
_ANY = struct.Struct("=III")  # interface, cookie: every one
_OF_FAMILY = 20
_REQUEST = 1
_LISTENING = 10
_EVERY = 0xFFFFFFFF
_USER = struct.Struct("=I")
_USER_AT = _HEAD.size + 4 + _SOCKET.size + _ANY.size + 12
_ANSWER_BYTES = 4096
_SECONDS = 2.0
# proc(5): addresses and ports in hexadecimal, the address in the machine's byte order.
_TABLE = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _OWNER = 1, 2, 7


def is_own(peer: End, here: End) -> bool:
    """Whether the process that connected from `peer` to `here` belongs to this process's user.

    Only Linux tells; elsewhere everybody on the machine counts as the same user.
    """
    if not sys.platform.startswith("linux"):
        return True
    user = _asked_of_the_kernel(peer, here)
    if user is None:  # a socket that is gone, or a kernel that does not answer such questions
        user = _read_from_the_table(peer, here)
    return user == os.getuid()


def _asked_of_the_kernel(peer: End, here: End) -> int | None:
    """Whose the socket is, asked for by itself: that takes no longer when there are thousands."""
    named = _SOCKET.pack(peer[1], here[1], _raw(peer[0]), _raw(here[0])) + _ANY.pack(0, _EVERY, _EVERY)
    body = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _EVERY) + named
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.settimeout(_SECONDS)
            kernel.send(_HEAD.pack(_HEAD.size + len(body), _OF_FAMILY, _REQUEST, 0, 0) + body)
            answer = kernel.recv(_ANSWER_BYTES)
    except OSError:
        return None
    _, kind, *_ = _HEAD.unpack_from(answer)
    # Where no connection fits, a socket that listens on the port is told of.
    if kind != _OF_FAMILY or answer[_HEAD.size + 1] == _LISTENING:
        return None
    return int(_USER.unpack_from(answer, _USER_AT)[0])


def _read_from_the_table(peer: End, here: End) -> int | None:
    """The same from the list of all sockets, which takes milliseconds when it is long."""
    wanted = [_written(peer), _written(here)]
    for line in _TABLE.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if [fields[_LOCAL], fields[_REMOTE]] == wanted:
            return int(fields[_OWNER])
    return None


def _raw(address: str) -> bytes:
    return socket.inet_aton(address).ljust(16, b"\0")


def _written(end: End) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(end[0]))
    return f"{number:08X}:{end[1]:04X}"
