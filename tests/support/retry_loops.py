"""Finding retry loops in source code that somebody wrote by hand."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COUNTERS = {"range", "count", "repeat"}
_WAITS = {"sleep", "_sleep", "wait", "pause"}
_PAUSES = ("pause", "delay", "backoff", "wait")
_LEAVES = (ast.Raise, ast.Return, ast.Break)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def loops_in(file: Path, root: Path) -> Iterator[str]:
    """Each suspicious place as `path::function`: a loop that swallows an error and goes round, or a pause that grows."""
    yield from found_in(file.read_text(), str(file.relative_to(root)))


def found_in(source: str, name: str) -> Iterator[str]:
    """The same for source text."""
    for scope, node in _walk(ast.parse(source), "module"):
        if (_goes_round(node) and _swallows_and_repeats(node)) or _grows_a_pause(node):
            yield f"{name}::{scope}"


def _walk(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, _SCOPES[:3]) else scope
        yield inner, child
        yield from _walk(child, inner)


def _goes_round(node: ast.AST) -> bool:
    """Whether it is a loop that does the same again, and not the next thing of a list."""
    if isinstance(node, ast.While):
        return True
    return (
        isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and _name(node.iter.func) in _COUNTERS
    )


def _swallows_and_repeats(loop: ast.AST) -> bool:
    body = list(_of_this_loop(loop))
    tries = [node for node in body if isinstance(node, ast.Try)]
    swallowing = [node for node in tries if not all(_leaves(handler.body) for handler in node.handlers)]
    waits = any(isinstance(node, ast.Call) and _name(node.func) in _WAITS for node in body)
    return bool(swallowing) and (waits or any(_ends_well(node, body) for node in swallowing))


def _ends_well(node: ast.Try, body: list[ast.AST]) -> bool:
    """Whether the loop is left once the work succeeded: in the try, in its else, or in what follows."""
    inside = {id(part) for handler in node.handlers for part in ast.walk(handler)}
    return any(isinstance(part, ast.Return | ast.Break) for part in body if id(part) not in inside)


def _of_this_loop(loop: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(loop):
        if not isinstance(child, _SCOPES):
            yield child
            yield from _of_this_loop(child)


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], _LEAVES)


def _grows_a_pause(node: ast.AST) -> bool:
    """`pause *= 2`, `pause = min(pause * 2, …)`, `pause * 2 ** tries`, `pause << tries`."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Mult | ast.LShift | ast.Pow) and _is_pause(node.target)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult | ast.LShift):
        return False
    grows = isinstance(node.right, ast.Constant) and node.right.value == 2
    powers = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow | ast.LShift)
    return _is_pause(node.left) and (grows or powers or isinstance(node.op, ast.LShift))


def _is_pause(node: ast.AST) -> bool:
    return any(word in _name(node).lower() for word in _PAUSES)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
