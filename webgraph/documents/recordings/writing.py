"""Writes a document's data as YAML that reads back as the same data."""

from __future__ import annotations

from typing import Any

import yaml

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Indents lists below their keys, as people do, and writes no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's own signature
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only double quotes can hold what is no letter to a reader of YAML, such as the control characters of C1.
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def yaml_of(data: Any) -> str:
    """The data as YAML in the order it has."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def commented(lines: list[str]) -> str:
    """Lines as comments; what is no printable letter becomes a blank, so that nothing in one can end it."""
    plain = ("".join(letter if letter.isprintable() else " " for letter in line) for line in lines)
    return "".join(f"# {' '.join(line.split())}\n" for line in plain)
