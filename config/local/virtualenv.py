"""The virtual environment in `.venv`: made where needed, filled by hash, refilled when a requirements file changed.

Standard library only, and runs on the system's Python: Debian's lacks `ensurepip` until its venv package is there.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
_INSTALLED = VENV / "installed.json"
_PIP_INSTALL = (
    *("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--require-hashes", "--no-deps"),
)


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def ensure() -> str:
    """Make the virtual environment unless a usable one is there; return what was done.

    Raises:
        SetupError: it cannot be made; the message is the one command that helps.
    """
    version = _version()
    if version:
        return f"kept, Python {version}"
    if VENV.exists():
        shutil.rmtree(VENV)  # its Python was moved, removed or is too old
    if not _has_ensurepip():
        _install_ensurepip()
    if _has_ensurepip():
        run([sys.executable, "-m", "venv", str(VENV)])
    else:
        _create_without_ensurepip()
    return f"made, Python {_version()}"


def install(requirements: str) -> str:
    """Install one requirements file by its hashes unless exactly this file was installed before; return what was done."""
    lock = ROOT / requirements
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    installed = _read_installed()
    if installed.get(requirements) == digest:
        return "unchanged"
    run([str(PYTHON), *_PIP_INSTALL, "-r", str(lock)])
    _INSTALLED.write_text(json.dumps({**installed, requirements: digest}, indent=1))
    packages = sum("==" in line.split("#")[0] for line in lock.read_text().splitlines())
    return f"{packages} packages"


def run(command: list[str], *, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        SetupError: it failed; the message ends with its last lines.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last_lines = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise SetupError(f"`{' '.join(command)}` failed:\n{last_lines}")
    return done.stdout.strip()


def _version() -> str:
    """Return the version of the environment's Python; empty when there is none with pip that is new enough."""
    probe = "import sys, pip; print(*sys.version_info[:3], sep='.')"
    try:
        version = run([str(PYTHON), "-c", probe])
    except (OSError, SetupError):
        return ""
    new_enough = tuple(map(int, version.split(".")))[:2] >= OLDEST_PYTHON
    return version if new_enough else ""


def _read_installed() -> dict[str, str]:
    try:
        installed = json.loads(_INSTALLED.read_text())
    except (OSError, ValueError):
        return {}
    return installed if isinstance(installed, dict) else {}


def _has_ensurepip() -> bool:
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


def _install_ensurepip() -> None:
    """As root on Debian, install the package that holds `ensurepip`; elsewhere there is nothing to do."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], environment=quiet)
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], environment=quiet)


def _create_without_ensurepip() -> None:
    """Make the environment with a pip that is already on the machine: its wheel, or the system's own."""
    wheels = sorted(Path("/usr/share/python-wheels").glob("pip-*.whl"), reverse=True)
    quiet = ("install", "--quiet", "--disable-pip-version-check")
    if wheels:
        installer = [str(PYTHON), f"{wheels[0]}/pip", *quiet, "--no-index", str(wheels[0])]
    elif importlib.util.find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "--python", str(PYTHON), *quiet, "pip"]
    else:
        raise SetupError(
            "This Python has neither ensurepip nor pip. Run once: sudo apt-get install -y "
            f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )
    run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    run(installer)
