"""Whether this machine has a browser that works the way attempts need it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.sizes import in_words
from webgraph.browser.trial import try_browser
from webgraph.errors import WebGraphError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = (
    "Install chromium-headless-shell, and let this user make user namespaces, which Chromium's sandbox needs "
    "(docs/deploy.md)."
)
_LONGEST_TMPDIR = 70
"""A socket's whole path has 108 bytes, and the keeper's begins with this folder."""


def look() -> Iterator[Finding]:
    """Start it, render a page, and weigh it."""
    folder = tempfile.gettempdir()
    if settings.BROWSER_SHARED and len(folder.encode()) > _LONGEST_TMPDIR:
        yield bad(
            f"The name of TMPDIR {folder} is too long for a socket in it.", "Set TMPDIR to a shorter one."
        )
        return
    try:
        trial = try_browser(settings.BROWSER_EXECUTABLE or None)
    except WebGraphError as error:
        yield bad(str(error), ADVICE)
        return
    yield good(
        f"Chromium {trial.version} ({trial.executable}) started, rendered a page and ended within "
        f"{trial.seconds:.1f} s; it takes {in_words(trial.memory_bytes)}."
    )
    if not trial.sandboxed:
        yield odd(
            "It runs without its sandbox, because this is root: a page that breaks out owns the machine.",
            "Run the worker as an unprivileged user.",
        )


register(Check(name="browser", look=look, advice=ADVICE, order=90, seconds=120))
