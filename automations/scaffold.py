"""The first automation of a newcomer: a small file that works, and its test."""

from __future__ import annotations

import re
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AUTOMATION = Template('''"""Reads the heading of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, HttpUrl

from webgraph.flow import Automation, stage
from webgraph.target import Target

if TYPE_CHECKING:
    from webgraph.page import Page


class PageToRead(BaseModel):
    """What to read."""

    url: HttpUrl = Field(title="Address", description="The page to read.")


class Heading(BaseModel):
    """What was read."""

    heading: str


class $class_name(Automation):
    """Opens a page and returns its heading."""

    key = "$key"
    title = "$title"
    Params = PageToRead
    Result = Heading

    @stage(effect="read", title="Read the heading")
    async def read(self, page: Page) -> Heading:
        """Open the page and read its first heading."""
        await page.goto(str(self.params.url))
        return Heading(heading=await page.text(Target(css="h1", role="heading", called="heading")))
''')
TEST = Template('''"""$class_name, run against the practice site in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.library.$module import $class_name

if TYPE_CHECKING:
    from tests.automations.library.conftest import Run
    from tests.support.site import PracticeSite


@pytest.mark.browser
def test_it_reads_the_heading_of_a_page(run: Run, practice_site: PracticeSite) -> None:
    result, _ = run($class_name, url=f"{practice_site.url}/sign-in")

    assert result.result == {"heading": "Sign in to the back office"}
''')


class ScaffoldError(Exception):
    """The files cannot be written; the message says why."""


def write_automation(key: str, *, root: Path) -> list[Path]:
    """Write `automations/library/<name>.py` and its test below `root`; returns both paths. Never overwrites."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", key):
        raise ScaffoldError(
            f"{key!r} is not a key: use lower-case words joined by hyphens, such as read-prices."
        )
    words = key.split("-")
    names = {
        "key": key,
        "module": "_".join(words),
        "class_name": "".join(word.capitalize() for word in words),
        "title": " ".join(words).capitalize(),
    }
    files = {
        root / "automations" / "library" / f"{names['module']}.py": AUTOMATION,
        root / "tests" / "automations" / "library" / f"test_{names['module']}.py": TEST,
    }
    taken = next((path for path in files if path.exists()), None)
    if taken is not None:
        raise ScaffoldError(f"{taken.name} exists already; choose another name.")
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.substitute(names), encoding="utf-8")
    return list(files)
