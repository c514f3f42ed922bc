"""Which functions of this project a function may come to call, read from the source.

Every mention counts as a call, whatever the condition around it, so that callbacks are followed too. What is reached
may therefore not be called each time; what is not reached is never called.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from config.env import BASE_DIR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("config", "intake", "runs", "automations", "infra_shared")


def name_of(function: Callable[..., object]) -> str:
    """A function or method as this module names it: `runs.api.runs:create_run`, `runs.admin.runs:RunAdmin.cancel`."""
    inner = getattr(function, "__func__", function)
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    return f"{inner.__module__}:{inner.__qualname__}"


def reaches(start: str, goal: str) -> bool:
    """Whether `start` may come to call `goal`."""
    return goal in closure(start)


def closure(start: str) -> set[str]:
    """All that `start` may come to call, itself included. KeyError when there is no such function."""
    graph = edges()
    seen, waiting = {start}, [start]
    while waiting:
        for found in graph[waiting.pop()] - seen:
            seen.add(found)
            waiting.append(found)
    return seen


@cache
def edges() -> dict[str, set[str]]:
    """For each function what it mentions."""
    modules = {name: _Module(name, tree) for name, tree in _sources()}
    return {
        function: {found for node in body for found in _mentioned(modules, module, owner, node)}
        for module in modules.values()
        for function, owner, body in module.functions()
    }


def looks_at(start: str, attribute: str) -> bool:
    """Whether `start`, or anything it may come to call, mentions an attribute of this name, such as `POST`."""
    return any(attribute in attributes()[name] for name in closure(start))


@cache
def attributes() -> dict[str, set[str]]:
    """For each function the attributes it mentions."""
    return {
        function: {node.attr for part in body for node in ast.walk(part) if isinstance(node, ast.Attribute)}
        for name, tree in _sources()
        for function, _, body in _Module(name, tree).functions()
    }


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((BASE_DIR / package).rglob("*.py")):
            parts = file.relative_to(BASE_DIR).with_suffix("").parts
            if "migrations" not in parts:
                name = ".".join(parts).removesuffix(".__init__")
                yield name, ast.parse(file.read_text(encoding="utf-8"))


class _Module:
    """One module: what it defines, and what its names mean."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.defined = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.imported: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def methods(self, owner: str) -> dict[str, ast.stmt]:
        """The methods a class writes itself."""
        body = self.classes[owner].body
        return {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    def functions(self) -> Iterator[tuple[str, str, list[ast.stmt]]]:
        """Name, class ("" for none) and body of each function."""
        for name, node in self.defined.items():
            yield f"{self.name}:{name}", "", [node]
        for owner in self.classes:
            for name, method in self.methods(owner).items():
                yield f"{self.name}:{owner}.{name}", owner, [method]


def _mentioned(modules: dict[str, _Module], module: _Module, owner: str, body: ast.stmt) -> Iterator[str]:
    for node in ast.walk(body):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr) if owner:
                yield from _method(modules, module, owner, attr)
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr) if owner:
                for base in _bases(modules, module, owner):
                    yield from _method(modules, *base, attr)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in module.imported:
                yield from _symbol(modules, f"{module.imported[name]}.{attr}")
            case ast.Name(id=name) if name in module.defined or name in module.classes:
                yield from _symbol(modules, f"{module.name}.{name}")
            case ast.Name(id=name) if name in module.imported:
                yield from _symbol(modules, module.imported[name])


def _symbol(modules: dict[str, _Module], dotted: str) -> Iterator[str]:
    """The functions a dotted name stands for: itself, all methods of a class, or what a package passes on."""
    where, _, name = dotted.rpartition(".")
    module = modules.get(where)
    if module is None:
        outer, _, owner = where.rpartition(".")  # a method named by its class
        if outer in modules and owner in modules[outer].classes:
            yield from _method(modules, modules[outer], owner, name)
        return
    if name in module.defined:
        yield f"{where}:{name}"
    elif name in module.classes:
        yield from (f"{where}:{name}.{method}" for method in module.methods(name))
    elif module.imported.get(name, dotted) != dotted:  # a package may import its own modules
        yield from _symbol(modules, module.imported[name])


def _method(modules: dict[str, _Module], module: _Module, owner: str, name: str) -> Iterator[str]:
    if name in module.methods(owner):
        yield f"{module.name}:{owner}.{name}"
        return
    for base in _bases(modules, module, owner):
        yield from _method(modules, *base, name)


def _bases(modules: dict[str, _Module], module: _Module, owner: str) -> Iterator[tuple[_Module, str]]:
    for base in module.classes[owner].bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name in module.classes:
            yield module, name
        elif name in module.imported:
            where, _, last = module.imported[name].rpartition(".")
            if where in modules and last in modules[where].classes:
                yield modules[where], last
