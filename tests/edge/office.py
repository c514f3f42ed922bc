"""The origin's own services and books in a process of its own: orders in, answers out, a JSON line each.

`python -m tests.edge.office` is the program, which has the settings of the system under test; `Office` is its other end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from config.env import BASE_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TARGET = "http://127.0.0.1:9/"
"""Where the runs would go; no node works here, so that none begins."""


class Office:
    """Asks the program: `office.do("facts")`. The folder keeps what it complains of."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.edge.office"],
                cwd=BASE_DIR,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def do(self, what: str, **arguments: Any) -> Any:
        """The program's answer to one order."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"The office ended over {what!r}: {self._log.read_text()[-3000:]}"
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Do what each line of standard input says."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"  # noqa: TID251 - this program is its own entry point
    import django  # noqa: PLC0415 - the same

    django.setup()
    from django.db import connection  # noqa: PLC0415 - it needs the settings

    from tests.edge import clerk  # noqa: PLC0415 - the same

    answers = sys.stdout
    sys.stdout = sys.stderr  # what commands print is no answer
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(clerk, order.pop("do"))(**order)
        connection.close()  # the database may go away before the next order
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
