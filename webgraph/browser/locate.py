"""Which browser this machine has: the path of a Chromium that was seen to render a page.

Candidates, in this order: the one named explicitly, the system's, Playwright's own download, and, when installing is
allowed, a fresh Playwright download or the distribution's package. A file that exists proves nothing (Ubuntu's
`chromium` is a stub that asks for a snap), so a candidate counts only after it ran a script in a page. Standard
library only: this runs before, and without, everything else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from webgraph.errors import FailureKind, WebGraphError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SYSTEM_NAMES = (
    "chromium-headless-shell",  # about 0.7 times the run time of full Chromium
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
MAC_APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHT_PATTERNS = (
    "chromium_headless_shell-*/*/headless_shell",
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
PROOF_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PROOF_PAGE = "data:text/html,<p></p><script>document.querySelector('p').append('rendered ',6*7)</script>"
PROOF_TEXT = b"<p>rendered 42</p>"
PROOF_SECONDS = 20
DOWNLOAD_SECONDS = 240
ADVICE = (
    "install chromium (Debian: apt-get install chromium-headless-shell; anywhere: "
    "python -m playwright install --with-deps chromium-headless-shell) "
    "or set BROWSER_EXECUTABLE to the path of one"
)


class BrowserNotFoundError(WebGraphError):
    """No usable browser on this machine; the message is one line that says what to do."""

    kind = FailureKind.BROWSER_CRASH

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


def locate(explicit: str | None = None, *, install: bool = False) -> str:
    """Return the path of a browser that rendered a page on this machine.

    Args:
        explicit: the only path to consider (the setting BROWSER_EXECUTABLE); None or empty looks everywhere.
        install: whether one may be downloaded (Playwright) or installed (apt, as root) when none is found.

    Raises:
        BrowserNotFoundError: none renders a page.
    """
    if explicit:
        found = shutil.which(explicit)
        if found and renders(found):
            return found
        message = f"BROWSER_EXECUTABLE is {explicit!r}, which does not render a page: {ADVICE}."
        raise BrowserNotFoundError(message)
    for candidate in _candidates(install=install):
        if renders(candidate):
            return candidate
    raise BrowserNotFoundError(f"No usable browser was found: {ADVICE}.")


def renders(executable: str) -> bool:
    """Return whether this browser starts and runs a script; a proof is remembered until the file changes."""
    try:
        status = Path(executable).resolve().stat()
    except OSError:
        return False
    identity = [status.st_mtime_ns, status.st_size]
    if _remembered().get(executable) == identity:
        return True
    proven = _prove(executable)
    if proven:
        _remember(executable, identity)
    return proven


def version(executable: str) -> str:
    """Return what the browser calls itself, such as "Chromium 156.0.7204.92"; empty when it does not say."""
    return _output([executable, "--version"], seconds=PROOF_SECONDS).decode(errors="replace").strip()


def _candidates(*, install: bool) -> Iterator[str]:
    """Yield paths in order of preference; each may turn out to be a stub."""
    yield from filter(None, map(shutil.which, SYSTEM_NAMES))
    yield from filter(os.path.exists, MAC_APPLICATIONS)
    yield from _playwright_downloads()
    if install:
        _run([sys.executable, "-m", "playwright", "install", "chromium-headless-shell"])
        yield from _playwright_downloads()
        if _may_use_apt():
            yield from _after_apt()


def _after_apt() -> Iterator[str]:
    """Install the distribution's package, or else the libraries Playwright's download lacks, and yield what to try."""
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=60"]
    _run([*apt, "update", "-qq"])
    for name in ("chromium-headless-shell", "chromium"):
        _run([*apt, "install", "-y", "-qq", "--no-install-recommends", name])
        yield from filter(None, [shutil.which(name)])
    _run([sys.executable, "-m", "playwright", "install-deps", "chromium-headless-shell"])
    yield from _playwright_downloads()


def _may_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _playwright_downloads() -> list[str]:
    """Return the executables of Playwright's own downloads: headless shell first, newest revision first."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")  # noqa: TID251 - Playwright's own variable, not a setting
    root = Path(chosen) if chosen not in {"", "0"} else _caches() / "ms-playwright"
    found: list[str] = []
    for pattern in PLAYWRIGHT_PATTERNS:
        paths = [path for path in root.glob(pattern) if os.access(path, os.X_OK)]
        found += map(str, sorted(paths, key=_revision, reverse=True))
    return found


def _revision(path: Path) -> int:
    """Return the number in ".../chromium-1234/...", so that 1234 sorts after 999."""
    folder = next(part for part in path.parts if part.startswith("chromium") and "-" in part)
    number = folder.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _prove(executable: str) -> bool:
    """Render a page that computes 42, in a profile of its own, within PROOF_SECONDS."""
    # Chromium may still write to its profile while it is taken down: what remains is the temp folder's business.
    with tempfile.TemporaryDirectory(prefix="browser-proof-", ignore_cleanup_errors=True) as profile:
        flags = [*PROOF_FLAGS, f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to start as root with its sandbox
        output = _output([executable, *flags, "--dump-dom", PROOF_PAGE], seconds=PROOF_SECONDS)
    return PROOF_TEXT in output


def _output(command: Sequence[str], *, seconds: float) -> bytes:
    """Return what a command wrote to standard output; nothing when it cannot be started or takes too long."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a browser the machine's owner installed
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return b""
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        return b""
    finally:
        _kill_session(process)


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """End whatever the command left behind; it had a session of its own, so nothing else can be hit."""
    # macOS answers EPERM for a group of zombies
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _run(command: Sequence[str]) -> None:
    """Run an installer, bounded in time; whether it helped is seen by looking for its result."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}  # noqa: TID251 - handed on, not read
    try:
        subprocess.run(  # noqa: S603 - constant commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DOWNLOAD_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return


def _caches() -> Path:
    """Return the user's cache folder, as Playwright and the desktop standards have it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    chosen = os.environ.get("XDG_CACHE_HOME", "")  # noqa: TID251 - the desktop standard's variable, not a setting
    return Path(chosen) if chosen else Path.home() / ".cache"


def _memory() -> Path:
    return _caches() / "webgraph" / "proven-browsers.json"


def _remembered() -> dict[str, list[int]]:
    """Return path → [mtime in ns, size] of the browsers proven so far; a lost memory costs a second, no more."""
    try:
        proofs = json.loads(_memory().read_text())
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no home folder
        return {}
    return proofs if isinstance(proofs, dict) else {}


def _remember(executable: str, identity: list[int]) -> None:
    proofs = {**_remembered(), executable: identity}
    try:
        _memory().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=_memory().parent, suffix=".new", delete=False) as new:
            json.dump(proofs, new)
        Path(new.name).replace(_memory())
    except (OSError, RuntimeError):
        return  # a home that cannot be written to: the proof is made again next time
