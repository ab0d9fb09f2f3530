"""JMESPath expressions of a mapping: checked when the manifest is read, tried on one record after another."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from reconciler.sparklayer.kinds.data_sync.budget import Budget, OverBudget

# What jmespath is seen to raise on data; its own errors are ValueErrors.
_FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
_MAX_LENGTH = 4_000
MOST_WORK = 50_000
"""What one evaluation may do, in the units of `Budget`: some ten milliseconds."""
# JMESPath's names of types, for people.
_TYPES = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "array-string": "a list of texts",
    "array-number": "a list of numbers",
    "expref": "an expression",
    "null": "null",
}


# What may give members that it does not name: `@`, `*` over an object, and functions over one.
_SEES_ALL = frozenset({"current", "value_projection"})
_TAKES_ALL = frozenset({"items", "merge", "to_array", "to_string", "values"})
_STOCK_BY_PLACE = "InventoryRecords"


class BadExpression(ValueError):
    """A text that is no JMESPath expression; the message says where and why."""


class FailedExpression(ValueError):
    """An expression that fails on a record; the message says why."""


class CostlyExpression(FailedExpression):
    """An expression that would do more work on a record than it may."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression.

    Args:
        text: the JMESPath.
        budget: of all evaluations together; None: each has its own alone.

    Raises:
        BadExpression: it is none, or names a function that there is not.
    """

    text: str
    budget: Budget | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the expression."""
        _compiled(self.text)

    def within(self, budget: Budget) -> Expression:
        """Return the expression with a budget that it shares with others."""
        return replace(self, budget=budget)

    def may_see(self, name: str) -> bool:
        """Whether it may look at a member of this name: it names one, or looks at members whatever their names."""
        return any(
            node["type"] in _SEES_ALL
            or (node["type"] == "function_expression" and node["value"] in _TAKES_ALL)
            or (node["type"] == "field" and node["value"] == name)
            for node in _nodes(_compiled(self.text))
        )

    def search(self, record: Any) -> Any:
        """Return what the expression gives on a record; null where it finds nothing.

        Raises:
            FailedExpression: the record is not such that it could be worked out.
        """
        from reconciler.sparklayer.kinds.data_sync.evaluate import Evaluator

        shared = self.budget or Budget(MOST_WORK)
        own = Budget(min(MOST_WORK, shared.left))
        allowed = own.left
        try:
            return Evaluator(own).visit(_compiled(self.text), record)
        except OverBudget:
            raise CostlyExpression("it takes too much work; write it shorter, or let it look at less") from None
        except _FAILURES as error:
            raise FailedExpression(_failure(error)) from None
        finally:
            shared.left -= allowed - max(own.left, 0)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Mapping[str, Any]:
    import jmespath
    from jmespath.exceptions import JMESPathError

    if len(text) > _MAX_LENGTH:
        raise BadExpression(f"the expression is longer than {_MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():  # of an older way to write a literal, which is taken as it was
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            expression = jmespath.compile(text)
    except JMESPathError as error:
        raise BadExpression(_syntax(error, text)) from None
    except RecursionError:
        raise BadExpression("the expression is nested too deeply") from None
    parsed = cast("Mapping[str, Any]", expression.parsed)
    for name, given in _calls(parsed):
        _check_call(name, given)
    return parsed


def may_see_stock(expressions: Iterable[Expression]) -> bool:
    """Return whether one of them may look at inventory records, so that their sums by address are not enough."""
    return any(each.may_see(_STOCK_BY_PLACE) for each in expressions)


def _syntax(error: Exception, text: str) -> str:
    if not text.strip():
        return "the expression is empty"
    position = getattr(error, "lex_position", None)
    token = getattr(error, "token_value", None)
    if position is None:
        return _one_line(str(error))
    if not token or position >= len(text):
        return f"the expression ends too early, after column {len(text)}"
    return f"syntax error at column {position + 1} of the expression, at {str(token)[:20]}"


def _calls(node: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield name and number of arguments of every function that is called."""
    for each in _nodes(node):
        if each.get("type") == "function_expression":
            yield str(each["value"]), len(each.get("children", ()))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all nodes of an expression."""
    nodes: list[Any] = [node]
    while nodes:
        current = nodes.pop()
        if isinstance(current, Mapping):
            yield current
            nodes.extend(current.get("children", ()))


def _check_call(name: str, given: int) -> None:
    from difflib import get_close_matches

    from reconciler.sparklayer.kinds.data_sync.functions import MappingFunctions, arity

    known: Mapping[str, Any] = MappingFunctions.FUNCTION_TABLE
    if name not in known:
        close = get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}()?" if close else "it has " + ", ".join(sorted(known))
        raise BadExpression(f"JMESPath has no function {name}(); {hint}")
    least, most = arity(known[name]["signature"])
    if given < least or (most is not None and given > most):
        expected = f"at least {least}" if most is None else str(least) if most == least else f"{least} or {most}"
        raise BadExpression(f"{name}() takes {expected} argument{'s' if (most or least) != 1 else ''}, not {given}")


def _failure(error: Exception) -> str:
    """Say why an expression failed, in the words of JSON and not of Python."""
    from jmespath.exceptions import JMESPathError, JMESPathTypeError

    from reconciler.sparklayer.kinds.data_sync.functions import MisusedFunction

    if isinstance(error, JMESPathTypeError):
        wanted = " or ".join(_TYPES.get(name, name) for name in error.expected_types)
        return f"{error.function_name}() takes {wanted}, and was given {_type_of(error.current_value)}"
    return _one_line(str(error)) if isinstance(error, JMESPathError | MisusedFunction) else "it cannot be worked out"


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return _TYPES["boolean"]
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return _TYPES.get(names.get(type(value), ""), "something else")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
