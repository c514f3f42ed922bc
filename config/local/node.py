"""Node and the packages of the edge Worker. Standard library only: set-up runs this on the system's Python."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

from config.local.virtualenv import ROOT, SetupError, run

PACKAGE = ROOT / "edge_worker"
OLDEST_NODE = 20
_WHERE_ITS_LOG_IS = "complete log of this run"
_STAMP = PACKAGE / "node_modules" / ".installed-lock"


def problem() -> str:
    """Return why the Worker cannot run on this machine, in words; empty when it can once its packages are there."""
    if shutil.which("npm") is None or (node := shutil.which("node")) is None:
        return f"Node {OLDEST_NODE} or newer is not installed"
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
    major = re.match(r"v(\d+)\.", answer.stdout)
    if major is None or int(major[1]) < OLDEST_NODE:
        return f"Node is {answer.stdout.strip() or 'broken'}, and {OLDEST_NODE} or newer is needed"
    return ""


def not_ready() -> str:
    """Return why the Worker and its tests cannot be started now, in words; empty when they can."""
    if reason := problem():
        return reason
    return "" if installed() else "its packages are not installed; `make setup` says why"


def install() -> str:
    """Run `npm ci` for the Worker unless exactly this lock was installed before; return what was done.

    Raises:
        SetupError: npm failed.
    """
    if reason := problem():
        return f"skipped: {reason}"
    if installed():
        return "unchanged"
    npm = shutil.which("npm") or "npm"
    run([npm, "--prefix", str(PACKAGE), "ci", "--no-audit", "--no-fund"])
    _STAMP.write_text(_digest())
    return "installed"


def install_if_possible() -> str:
    """As `install`, but a failure is only said: all but the Worker runs without its packages."""
    try:
        return install()
    except SetupError as error:
        said = [line for line in str(error).splitlines() if line.strip() and _WHERE_ITS_LOG_IS not in line]
        return f"not installed, so the edge Worker will not run: {said[-1] if said else 'npm said nothing'}"


def installed() -> bool:
    """Return whether the packages are those of the lock."""
    return _STAMP.exists() and _STAMP.read_text() == _digest()


def _digest() -> str:
    return hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()
