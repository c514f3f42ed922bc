"""`python -m config.local.env_example`: write `.env.example` again from the settings' own descriptions."""

from __future__ import annotations

from config.env import BASE_DIR
from config.env_setting import REQUIRED, Setting
from config.env_table import SETTINGS

PATH = BASE_DIR / ".env.example"
HEAD = """\
# Every setting, with its default. Copy this file to .env and change what you need; `make run` needs none of it.
# Instead of NAME a variable NAME_FILE may name a file that holds the value.
"""


def render() -> str:
    """Return the text of `.env.example`: settings without a default stand open, the others as comments."""
    return "\n".join([HEAD, *(_entry(row) for row in SETTINGS)])


def _entry(row: Setting) -> str:
    if row.default is REQUIRED:
        return f"# {row.purpose} Required.\n{row.name}=\n"
    return f"# {row.purpose}\n# {row.name}={spelled(row)}\n"


def spelled(row: Setting) -> str:
    """Return a default as it is written in an environment file."""
    if row.default is None:
        return ""
    if row.kind == "path":
        return str(row.default.relative_to(BASE_DIR))
    if row.kind == "list":
        return ",".join(row.default)
    return str(row.default).lower() if row.kind == "bool" else str(row.default)


if __name__ == "__main__":
    PATH.write_text(render())
