"""What a setting's value must be like. Each rule returns what is wrong with a value, "" for nothing.

A rule never repeats a value that may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from intake.signatures.edge import parse_keys
from webgraph.vision.settings import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1", "y", "t"), True),
    **dict.fromkeys(("false", "no", "off", "0", "n", "f"), False),
}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_CHORES = "chores"
_FERNET_KEY_BYTES = 32
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+|[0-9A-Fa-f:.]+):[0-9]{1,5}")
_QUEUE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VARIABLE_PREFIX = re.compile(r"[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*")
_PREFIX = re.compile(r"[A-Za-z0-9]+")


def anything(_value: Any) -> str:
    """No complaint, whatever it is."""
    return ""


def at_least(least: int) -> Callable[[int], str]:
    """A rule for numbers that make no sense below `least`."""

    def rule(value: int) -> str:
        return "" if value >= least else f"must be {least} or more, not {value}."

    return rule


def time_zone(name: str) -> str:
    """An IANA name this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"must be an IANA time zone such as Europe/Berlin, not {name!r}."
    return ""


def log_level(name: str) -> str:
    """A level of Python's logging."""
    return "" if name in _LEVELS else f"must be one of {', '.join(_LEVELS)}, not {name!r}."


def hosts_and_ports(entries: Sequence[str]) -> str:
    """Each entry names one host and one port."""
    wrong = [entry for entry in entries if not _HOST_AND_PORT.fullmatch(entry)]
    return f"must list host:port entries such as 127.0.0.1:8001, not {wrong[0]!r}." if wrong else ""


def providers_of_sight(entries: Sequence[str]) -> str:
    """Each entry is a provider there is."""
    wrong = [entry for entry in entries if entry not in PROVIDERS]
    return f"must list some of {', '.join(PROVIDERS)}, not {wrong[0]!r}." if wrong else ""


def origins(entries: Sequence[str]) -> str:
    """Each entry is a scheme and a host."""
    wrong = [entry for entry in entries if web_address(entry)]
    return f"must list origins such as https://console.example, not {wrong[0]!r}." if wrong else ""


def variable_prefixes(prefixes: Sequence[str]) -> str:
    """Each entry is the beginning of names of variables, up to an underscore."""
    wrong = [prefix for prefix in prefixes if not _VARIABLE_PREFIX.fullmatch(prefix)]
    return f"must list prefixes such as CREDENTIAL_, not {wrong[0]!r}." if wrong else ""


def web_address(url: str) -> str:
    """An http or https address."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    return "" if good else f"must be an address such as https://console.example, not {url!r}."


def empty_or_web_address(url: str) -> str:
    """An http or https address, or none."""
    return web_address(url) if url else ""


def one_of(*values: str) -> Callable[[str], str]:
    """A rule for words of which there are a few."""

    def rule(value: str) -> str:
        known = ", ".join(word or "empty" for word in values)
        return "" if value in values else f"must be one of {known}, not {value!r}."

    return rule


def empty_or_bucket(name: str) -> str:
    """A name S3 allows for a bucket, or none."""
    if not name or (_BUCKET.fullmatch(name) and ".." not in name):
        return ""
    return f"must be a bucket's name (3 to 63 small letters, digits, dots and hyphens), not {name!r}."


def empty_or_region(name: str) -> str:
    """The name of a region, or none."""
    return (
        "" if not name or _REGION.fullmatch(name) else f"must be a region such as eu-central-1, not {name!r}."
    )


def empty_or_file(path: Path | None) -> str:
    """A file this process can read, or none."""
    if path is None or (path.is_file() and os.access(path, os.R_OK)):
        return ""
    return f"must name a file that can be read, not {str(path)!r}."


def key_prefix(prefix: str) -> str:
    """Letters and digits: the underscore after it ends it."""
    return "" if _PREFIX.fullmatch(prefix) else f"must be letters and digits, not {prefix!r}."


def queues(names: Sequence[str]) -> str:
    """One name or more, none of them the one that housekeeping has for itself."""
    wrong = [name for name in names if name == _CHORES or not _QUEUE.fullmatch(name)]
    if wrong:
        return f"must list queues in small letters and other than {_CHORES!r}, not {wrong[0]!r}."
    return "" if names else "must name at least one queue."


def edge_keys(entries: Sequence[str]) -> str:
    """Each entry is a key id and 32 bytes in hexadecimal digits, each id once."""
    try:
        parse_keys(entries)
    except ValueError as error:
        return str(error)
    return ""


def fernet_keys(keys: Sequence[str]) -> str:
    """Each key is 32 bytes in URL-safe base64."""
    if all(_is_fernet_key(key) for key in keys):
        return ""
    return "holds something that is no Fernet key (32 bytes in URL-safe base64)."


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == _FERNET_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
