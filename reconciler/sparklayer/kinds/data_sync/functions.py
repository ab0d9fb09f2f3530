"""Functions of mappings: those of JMESPath, and some more for texts, dates and numbers, as docs/sync.md says.

Ours give null where their first argument is null, so that a mapping goes on from the variant to its product. Each is
paid for by the size of what it takes and makes. Loaded only where something is mapped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Any

from jmespath.functions import Functions, signature

from reconciler.sparklayer.kinds.data_sync.budget import CHARACTERS, Budget, equal, read_through, size

# Typed as anything: that null is taken, and what counts where an argument is left out, are ours.
_TEXT: Any = {"types": ["string", "null"]}
_NUMBER: Any = {"types": ["number", "null"]}
_LENGTH: Any = {"types": ["number", "null"], "default": None}
_PLACES: Any = {"types": ["number"], "default": 0}
_PATTERN: Any = {"types": ["string"], "default": "YYYY-MM-DD"}
_MOST_PLACES = 20
# Larger numbers have no exact place in JSON.
_WHOLE = 10**18
_LETTERS = {"Y": 4, "M": 2, "D": 2}
_EXACT = Context(prec=4_000, traps=[Inexact])
_ROUNDED = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[])


class MisusedFunction(ValueError):
    """Arguments that a function can make nothing of; the message says why."""


def arity(declared: Sequence[Mapping[str, Any]]) -> tuple[int, int | None]:
    """Return how many arguments a function takes at least and at most (None: any number), by its signature."""
    least = sum("default" not in argument for argument in declared)
    return least, None if declared and declared[-1].get("variadic") else len(declared)


class MappingFunctions(Functions):
    """The functions that a mapping may call.

    Args:
        budget: of the evaluation.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        """Return what a function makes of its arguments."""
        given = list(resolved_args)
        self._budget.spend(sum(map(size, given)))
        declared = self.FUNCTION_TABLE[function_name]["signature"][len(given) :]
        given += [argument["default"] for argument in declared if "default" in argument]
        result = super().call_function(function_name, given)
        self._budget.spend(size(result))
        return result

    # JMESPath's own, where they could make much of little, or would count in binary fractions

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        self._budget.spend((sum(map(len, array)) + len(separator) * len(array)) // CHARACTERS)
        return separator.join(array)

    @signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        if isinstance(arg, str):
            return arg
        read_through(arg, self._budget)
        return json.dumps(arg, separators=(",", ":"), default=str)

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, list):
            return any(equal(item, search, self._budget) for item in subject)
        return isinstance(search, str) and search in subject

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg: list[Any]) -> int | float:
        return _as_json(_total(arg))

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg: list[Any]) -> int | float | None:
        return _as_json(_ROUNDED.divide(_total(arg), Decimal(len(arg)))) if arg else None

    # Ours

    @signature(_TEXT, {"types": ["string"]})
    def _func_split(self, text: str | None, separator: str) -> list[str] | None:
        if text is None:
            return None
        return text.split(separator) if separator else list(text)

    @signature(_TEXT)
    def _func_lower(self, text: str | None) -> str | None:
        return None if text is None else text.lower()

    @signature(_TEXT)
    def _func_upper(self, text: str | None) -> str | None:
        return None if text is None else text.upper()

    @signature(_TEXT)
    def _func_trim(self, text: str | None) -> str | None:
        return None if text is None else text.strip()

    @signature(_TEXT, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, text: str | None, old: str, new: str) -> str | None:
        if not text or not old:
            return text
        self._budget.spend(text.count(old) * len(new) // CHARACTERS)
        return text.replace(old, new)

    @signature(_TEXT, {"types": ["number"]}, _LENGTH)
    def _func_substring(self, text: str | None, start: float, length: float | None) -> str | None:
        if text is None:
            return None
        first, count = _whole("substring", start), None if length is None else _whole("substring", length)
        if count is not None and count < 0:
            raise MisusedFunction("substring() takes a length of 0 or more")
        first = max(len(text) + first, 0) if first < 0 else first
        return text[first : None if count is None else first + count]

    @signature(_TEXT, _PATTERN)
    def _func_date(self, text: str | None, pattern: str) -> str | None:
        if text is None or not text.strip():
            return None
        return _date(text.strip(), pattern)

    @signature(_NUMBER, _PLACES)
    def _func_round(self, number: float | None, places: float) -> int | float | None:
        wanted = _whole("round", places)
        if not 0 <= wanted <= _MOST_PLACES:
            raise MisusedFunction(f"round() takes 0 to {_MOST_PLACES} places")
        if number is None:
            return None
        value = _decimal(number)
        # What has no more places is as it should be, however large it is.
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent <= wanted:
            return _as_json(value)
        return _as_json(value.quantize(Decimal(1).scaleb(-wanted), ROUND_HALF_EVEN, Context(prec=400)))


def _decimal(number: float) -> Decimal:
    """A number of JSON as it is written: 0.1, not its binary neighbour."""
    return Decimal(number) if isinstance(number, int) else Decimal(repr(number))


def _total(numbers: list[Any]) -> Decimal:
    found = Decimal(0)
    for number in numbers:
        found = _EXACT.add(found, _decimal(number))
    return found


def _as_json(value: Decimal) -> int | float:
    is_whole = abs(value) < _WHOLE and value == value.to_integral_value()
    return int(value) if is_whole else float(value)


def _whole(function: str, number: float) -> int:
    if number != int(number):
        raise MisusedFunction(f"{function}() takes whole numbers")
    return int(number)


def _date(text: str, pattern: str) -> str:
    """Read a date by a pattern of YYYY, MM, DD and what stands between them; a time may follow it."""
    if any(pattern.count(sign) != count for sign, count in _LETTERS.items()):
        raise MisusedFunction("date() takes a pattern with YYYY, MM and DD")
    shown, rest = text[: len(pattern)], text[len(pattern) :]
    digits = {
        sign: "".join(digit for digit, place in zip(shown, pattern, strict=False) if place == sign) for sign in _LETTERS
    }
    fits = len(shown) == len(pattern) and all(
        mark.isdecimal() if place in _LETTERS else mark == place for mark, place in zip(shown, pattern, strict=True)
    )
    try:
        if fits and (not rest or rest[0] in "T "):
            return date(*(int(digits[sign]) for sign in _LETTERS)).isoformat()
    except ValueError:
        pass
    raise MisusedFunction(f"date() takes a date as {pattern[:30]}, and was given {text[:30]}")
