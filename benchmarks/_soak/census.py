"""Every process of the node and of web, looked at again and again, and recognised again."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks._chaos.system import DYING_SECONDS, is_alive, wait, words_of
from benchmarks._soak.lives import Life, Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.local.processes import Part

BROWSER = "chrom"
_CLEAR_WORD = re.compile(r"[a-z_.:]+")


class Census:
    """Counts the processes of some parts.

    Attributes:
        lives: of the Python processes, in the order in which they were met.
        counts: how many processes there were at each look, browsers and drivers included.
        strays: processes that stood outside the tree at two looks in a row: their parents had ended, and they lived on.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._known: dict[psutil.Process, Life | None] = {}  # None: a browser's, or a driver's
        self._outside: set[psutil.Process] = set()
        self.lives: list[Life] = []
        self.counts: list[int] = []
        self.strays: set[str] = set()

    def look(self, runs: int) -> None:
        """Look at every process now that so many runs are over."""
        tree = self.tree()
        self.counts.append(len(tree))
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended while it was looked at
                life = self._life_of(process, tree)
                if life is not None:
                    figures = Look(runs, process.memory_info().rss, process.num_fds())
                    life.looks.append(figures)
        outside = self._alive().difference(tree)
        self.strays |= {words_of(process) for process in outside & self._outside}
        self._outside = outside

    def tree(self) -> list[psutil.Process]:
        """The outermost processes and everything below them, living ones only."""
        found: list[psutil.Process] = []
        for part in self._parts:
            if part.pid is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    outermost = psutil.Process(part.pid)
                    found += [outermost, *outermost.children(recursive=True)]
        return [process for process in found if is_alive(process)]

    def browsers(self) -> list[psutil.Process]:
        """The main process of each browser in the tree."""
        found = []
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = process.parent()
                if _is_browsers(process) and (parent is None or not _is_browsers(parent)):
                    found.append(process)
        return found

    def left(self) -> list[str]:
        """What is still there some seconds after every part was to have ended."""
        wait(lambda: not self._alive(), DYING_SECONDS)
        return sorted(words_of(process) for process in self._alive())

    def _alive(self) -> set[psutil.Process]:
        """Every process of the parts, wherever it stands now: by its mark, or because it was seen in the tree."""
        marked = {process for part in self._parts for process in part.family()}
        return {process for process in marked.union(self._known) if is_alive(process)}

    def _life_of(self, process: psutil.Process, tree: Sequence[psutil.Process]) -> Life | None:
        """The life of a Python process; None for any other, also for one that was Python until it loaded its program."""
        life = self._known.setdefault(process, None)
        if not Path(process.exe()).name.startswith("python"):
            return None
        if life is None:
            life = self._known[process] = Life(self._free_place(_role(process), tree))
            self.lives.append(life)
        return life

    def _free_place(self, role: str, tree: Sequence[psutil.Process]) -> str:
        """The first place of this role whose process is gone, or that nobody had: who replaces takes over."""
        taken = {life.place for process in tree if (life := self._known.get(process)) is not None}
        number = 1
        while (place := f"{role} #{number}") in taken:
            number += 1
        return place


def _role(process: psutil.Process) -> str:
    """What a Python process is for: the clear words of its command line, and how deep below its like it was forked."""
    command = process.cmdline()
    depth = sum(parent.cmdline() == command for parent in process.parents())
    words = [word for word in command[1:] if _CLEAR_WORD.fullmatch(word)]
    return (" ".join(words[:2]) or "python") + (f"/{depth}" if depth else "")


def _is_browsers(process: psutil.Process) -> bool:
    # By its program: a shell script that starts the browser, and waits for it, bears the browser's name.
    return BROWSER in Path(process.exe()).name
