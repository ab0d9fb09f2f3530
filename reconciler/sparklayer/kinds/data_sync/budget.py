"""The budget of an evaluation: whatever a mapping says, it ends soon and needs little memory.

An expression is text from a pull request, and a record is data from elsewhere: `[@, @] | [@, @][] | …` doubles what it
holds at every step. So each node that is visited, each element and each text that is made is paid for, before it is
made where it may be large.
"""

from __future__ import annotations

from typing import Any

# So many characters of a text cost as much as one element of a list.
CHARACTERS = 16


class OverBudget(Exception):
    """An evaluation that needs more work than it may do."""


class Budget:
    """Work that may still be done: a unit for every node visited, element made and 16 characters made.

    Args:
        work: how much.
    """

    __slots__ = ("left",)

    def __init__(self, work: int) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        """Spend work from the budget.

        Raises:
            OverBudget: there is not so much left.
        """
        self.left -= work
        if self.left < 0:
            raise OverBudget


def size(value: Any) -> int:
    """Return what it costs to make or to read a value, not counting what is inside its elements."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, list | dict) else 0


def read_through(value: Any, budget: Budget) -> None:
    """Pay for reading a value to its last leaf: it may show one and the same list in many places.

    Raises:
        OverBudget: it is too large.
    """
    budget.spend(1 + size(value))
    if isinstance(value, list):
        for item in value:
            read_through(item, budget)
    elif isinstance(value, dict):
        for name, item in value.items():
            budget.spend(size(name))
            read_through(item, budget)


def equal(one: Any, other: Any, budget: Budget) -> bool:
    """Whether two values of JSON are equal; true is not 1.

    Raises:
        OverBudget: they are too large to be compared.
    """
    budget.spend(1)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(equal(*pair, budget) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(item, other[name], budget) for name, item in one.items())
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    budget.spend(min(size(one), size(other)))
    return bool(one == other)
