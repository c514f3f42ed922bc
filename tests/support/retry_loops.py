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
    """Each suspicious place as `path::function`: who swallows an error and goes round, or lets a pause grow."""
    yield from found_in(file.read_text(), str(file.relative_to(root)))


def found_in(source: str, name: str) -> Iterator[str]:
    """The same for source text."""
    for scope, node in _walk(ast.parse(source), "module"):
        if (
            (_goes_round(node) and _swallows_and_repeats(node))
            or _grows_a_pause(node)
            or _calls_again(node, scope)
        ):
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
    if not isinstance(node, ast.For | ast.AsyncFor):
        return False
    counts = isinstance(node.iter, ast.Call) and _name(node.iter.func) in _COUNTERS
    return counts or _is_a_row_of_numbers(node.iter) or _waits_for(node, node.target)


def _is_a_row_of_numbers(node: ast.AST) -> bool:
    """`(1, 2, 4)`: how often, or how long."""
    if not isinstance(node, ast.Tuple | ast.List):
        return False
    return all(isinstance(item, ast.Constant) and isinstance(item.value, int | float) for item in node.elts)


def _waits_for(loop: ast.AST, target: ast.AST) -> bool:
    """Whether the loop waits as long as what it goes through says: `for pause in PAUSES: … sleep(pause)`."""
    names = {_name(part) for part in ast.walk(target)} - {""}
    waits = (
        node for node in _of_this_loop(loop) if isinstance(node, ast.Call) and _name(node.func) in _WAITS
    )
    return any(_name(part) in names for wait in waits for given in wait.args for part in ast.walk(given))


def _swallows_and_repeats(loop: ast.AST) -> bool:
    body = list(_of_this_loop(loop))
    swallowing = [node for node in body if _swallows(node)]
    waits = any(isinstance(node, ast.Call) and _name(node.func) in _WAITS for node in body)
    return bool(swallowing) and (
        waits or any(_ends_well(node, body) or _says_done(loop, node) for node in swallowing)
    )


def _swallows(node: ast.AST) -> bool:
    """A `try` of which a handler goes on, or `with suppress(…)`."""
    if isinstance(node, ast.Try):
        return not all(_leaves(handler.body) for handler in node.handlers)
    if not isinstance(node, ast.With):
        return False
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(_name(call.func) == "suppress" for call in calls)


def _says_done(loop: ast.AST, node: ast.AST) -> bool:
    """`while not done: try: …; done = True`: whether the work itself ends the loop, by what the loop asks."""
    if not isinstance(loop, ast.While):
        return False
    asked = {part.id for part in ast.walk(loop.test) if isinstance(part, ast.Name)}
    body = [*node.body, *getattr(node, "orelse", ())]  # type: ignore[attr-defined]  # a Try or a With
    written = {
        target.id
        for statement in body
        for part in ast.walk(statement)
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(target, ast.Name)
    }
    return bool(asked & written)


def _ends_well(node: ast.AST, body: list[ast.AST]) -> bool:
    """Whether the loop is left once the work succeeded: in the try, in its else, or in what follows."""
    inside = {id(part) for handler in getattr(node, "handlers", ()) for part in ast.walk(handler)}
    return any(isinstance(part, ast.Return | ast.Break) for part in body if id(part) not in inside)


def _calls_again(node: ast.AST, scope: str) -> bool:
    """`def ask(): try: … except OSError: return ask()`: a loop without the word."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    return any(isinstance(part, ast.Call) and _name(part.func) == scope for part in ast.walk(node))


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
