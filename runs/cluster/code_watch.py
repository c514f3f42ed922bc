"""Development: notices that the code changed, and that it can be loaded."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from watchfiles import PythonFilter, watch

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = structlog.get_logger(__name__)


class CodeWatch:
    """`changed` becomes true once a Python file below the folders was changed and every changed one compiles."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self._changed = threading.Event()

    @property
    def changed(self) -> bool:
        """Whether this process runs old code."""
        return self._changed.is_set()

    def start(self) -> None:
        """Watch in a thread of its own."""
        threading.Thread(target=self._watch, name="code-watch", daemon=True).start()

    def _watch(self) -> None:
        pending: set[str] = set()
        for changes in watch(*self._folders, watch_filter=PythonFilter(), raise_interrupt=False):
            pending |= {path for _, path in changes}
            if all(_compiles(Path(path)) for path in pending):
                _log.info("code_changed", files=sorted(pending))
                self._changed.set()
                return


def code_folders() -> list[Path]:
    """The folders of the project's packages and of AUTOMATION_MODULES."""
    names = {
        "config",
        "intake",
        "runs",
        "automations",
        "webgraph",
        "infra_shared",
        *settings.AUTOMATION_MODULES,
    }
    specs = [importlib.util.find_spec(name) for name in names]
    return sorted(
        {Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None}
    )


def _compiles(path: Path) -> bool:
    """Whether a file can be loaded; one that is gone can: deleting is a change like any other."""
    try:
        compile(path.read_bytes(), str(path), "exec")
    except FileNotFoundError:
        return True
    except (SyntaxError, ValueError) as error:
        _log.warning("changed_code_is_broken", file=str(path), error=str(error))
        return False
    return True
