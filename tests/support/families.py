"""What a process is called and was started with; a process that ended meanwhile has neither."""

from __future__ import annotations

import psutil


def name_of(process: psutil.Process) -> str:
    """The name of the program; empty when the process is gone."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def words_of(process: psutil.Process) -> list[str]:
    """The command line; empty when the process is gone."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def children_of(process: psutil.Process | None) -> list[psutil.Process]:
    """The processes it started itself; none when it is gone."""
    try:
        return process.children() if process else []
    except psutil.NoSuchProcess:
        return []


def is_browser(process: psutil.Process) -> bool:
    """Whether it is a browser's own process: none it made for pages, and not the shell script Debian starts it by."""
    words = words_of(process)
    made = any(word.startswith("--type=") for word in words)
    return "--remote-debugging-pipe" in words and not made and not words[0].endswith("sh")
