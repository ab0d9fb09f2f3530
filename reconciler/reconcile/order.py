"""The order of a plan: creates and updates go up the reference graph, deletes come down it. Pure.

`reads` of an object are the objects it refers to. A write waits for the writes of what it refers to; a delete waits
for every change of an object that still refers to it, so that nothing ever points at what is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from reconciler.errors import ReconcilerError


def ordered(dependencies: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return the level of each key: 0 for those that wait for nothing, else one more than the highest they wait for.

    Args:
        dependencies: for each change the keys of the changes it waits for; unknown keys are left out.

    Raises:
        ReconcilerError: the references form a circle.
    """
    known = {key: {other for other in others if other in dependencies} for key, others in dependencies.items()}
    levels: dict[str, int] = {}
    try:
        for key in TopologicalSorter(known).static_order():
            levels[key] = 1 + max((levels[other] for other in known[key]), default=-1)
    except CycleError as error:
        raise ReconcilerError(
            f"these refer to each other in a circle: {' → '.join(error.args[1])}",
            next_step="Break the circle: leave one of the references out.",
        ) from None
    return levels
