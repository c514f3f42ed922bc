"""JMESPath over what a stranger sent, within a budget.

Neither the length of an expression nor the size of a body bounds what the one makes of the other: `[@, @] | [@, @] | …`
doubles with each part, in memory that is shared until something walks it. So the interpreter counts what it does, and
what it builds, and stops.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import IncompleteExpressionError, JMESPathError
from jmespath.visitor import TreeInterpreter

from intake.errors import ExpressionError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

BUDGET = 500_000
"""Evaluated nodes and values built, each counting one: below two seconds."""
_LETTERS_PER_UNIT = 100
_BUILDING = frozenset({"multi_select_list", "multi_select_dict"})
_WIDE = frozenset({"flatten", "function_expression"})


@lru_cache(maxsize=256)
def compiled(text: str) -> ParsedResult:
    """An expression ready to be evaluated; ExpressionError says what is wrong with its text."""
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise ExpressionError(_in_words(error, text)) from error
    except RecursionError:
        raise ExpressionError("The expression is nested too deep.") from None


def evaluate(text: str, value: Any) -> Any:
    """What an expression makes of a JSON value; ExpressionError when it fails or would take too much."""
    expression = compiled(text)
    try:
        result = _Bounded().visit(expression.parsed, value)
    except JMESPathError as error:
        raise ExpressionError(_in_words(error, text)) from error
    except RecursionError:
        raise ExpressionError("The expression is nested too deep.") from None
    except (TypeError, ValueError, ArithmeticError) as error:
        # What its functions let through from Python: numbers too large, values that do not compare.
        raise ExpressionError(f"The expression failed: {error}.") from error
    return _json_alone(result)


def _in_words(error: JMESPathError, text: str) -> str:
    """What is wrong, with the place in the text instead of the arrow that the library draws below it."""
    if isinstance(error, IncompleteExpressionError):
        return f"The expression ends too early: {text!r} lacks something at its end."
    return str(error).partition("\n")[0].removesuffix(":")


def is_true(value: Any) -> bool:
    """Whether a value lets an event through: everything but null, false, and empty texts, lists and objects."""
    return not (value is None or value is False or value in ("", [], {}))


class _Bounded(TreeInterpreter):
    """An interpreter with a budget; ExpressionError when it is used up."""

    def __init__(self) -> None:
        super().__init__()
        self._left = BUDGET

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate a node, and pay for it."""
        self._pay(1)
        result = super().visit(node, *args, **kwargs)
        kind = node["type"]
        if kind in _BUILDING:
            self._pay_for_all_of(result)
        elif kind in _WIDE and isinstance(result, str | list | dict):
            self._pay(len(result) // _LETTERS_PER_UNIT if isinstance(result, str) else len(result))
        return result

    def _pay(self, units: int) -> None:
        self._left -= units
        if self._left < 0:
            raise ExpressionError("The expression takes too much work over this event; make it simpler.")

    def _pay_for_all_of(self, value: Any) -> None:
        """Pay for what was put together, as often as each part is in it."""
        stack = [value]
        while stack:
            item = stack.pop()
            self._pay(1)
            if isinstance(item, str):
                self._pay(len(item) // _LETTERS_PER_UNIT)
            elif isinstance(item, dict):
                stack.extend(item.values())
            elif isinstance(item, list):
                stack.extend(item)


def _json_alone(result: Any) -> Any:
    """The result, when it is JSON: an expression may also return a part of itself (`&name`)."""
    stack = [result]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif not (item is None or isinstance(item, str | int | float)):
            raise ExpressionError("The expression returns a reference (&…), which is no value.")
    return result
