"""`python -m config.local.settings_page`: write `docs/settings.md` again from the settings' own descriptions."""

from __future__ import annotations

from config.env import BASE_DIR
from config.env_setting import REQUIRED, Setting
from config.env_table import SETTINGS
from config.local.env_example import spelled

PATH = BASE_DIR / "docs" / "settings.md"
HEAD = """\
# Settings

Every setting is an environment variable. A value may come from the variable itself, from a file named by `NAME_FILE`
(for secrets mounted as files), or from an environment file: the one `ENV_FILE` names, else `.env` beside `manage.py`, else,
where the environment brings no `SECRET_KEY`, what `make run` wrote for this machine (`var/local.env`). What is set in the
environment wins. A missing or malformed value ends the process with one line that names the variable.

Lists are written with commas. `.env.example` is the same table as a file to copy.

This page is made from `config/env_rows/` by `python -m config.local.settings_page`; a test says when it is out of date.

| name | value | default | purpose |
|---|---|---|---|
"""
_KINDS = {"bool": "true or false", "int": "whole number", "str": "text", "list": "list", "path": "path"}


def render() -> str:
    """Return the text of the page: one row for each setting, in the order of `SETTINGS`."""
    return HEAD + "".join(f"{_row(row)}\n" for row in SETTINGS)


def _row(row: Setting) -> str:
    return f"| `{row.name}` | {_KINDS[row.kind]} | {_default(row)} | {row.purpose} |"


def _default(row: Setting) -> str:
    if row.default is REQUIRED:
        return "**required**"
    written = spelled(row)
    return f"`{written}`" if written else "empty"


if __name__ == "__main__":
    PATH.write_text(render())
