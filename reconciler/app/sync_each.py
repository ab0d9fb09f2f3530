"""Run or rehearse the data types of a data sync one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from msgspec import Struct

from reconciler.app.chosen import Chosen
from reconciler.errors import LedgerLocked, ReconcilerError, SourceIncomplete, TargetIncomplete

if TYPE_CHECKING:
    from reconciler.sync.run.report import RunReport

# What says something of one data type and nothing of the next.
_ITS_OWN = (LedgerLocked, SourceIncomplete, TargetIncomplete)


class Ended(Protocol):
    """What a run, or the rehearsal of one, came to."""

    @property
    def report(self) -> RunReport:
        """Report of the run."""


_Ended = TypeVar("_Ended", bound=Ended)


class RanEach(Struct, Generic[_Ended], frozen=True):
    """What became of each data type.

    Args:
        ended: of those that ran, in their order.
        errors: why others did not run, or not to an end.
        left: those whose turn did not come, because an API is away or somebody ended it.
        stopped: whether the face ended it.
    """

    ended: tuple[_Ended, ...]
    errors: tuple[ReconcilerError, ...]
    left: tuple[Chosen, ...]
    stopped: bool


async def run_each(
    chosen: Sequence[Chosen], work: Callable[[Chosen], Awaitable[tuple[_Ended, bool]]]
) -> RanEach[_Ended]:
    """Run data types one after the other: what one needs of another is there by then.

    A limit that stops one, and what it lacks at either side, say nothing of the next. An API that stays away, and
    whoever ends one, end it for all.

    Args:
        chosen: the data types, in the order in which they run.
        work: runs one, and returns what it came to, and whether somebody ended it.

    Raises:
        ReconcilerError: there is one data type alone, and it did not run.
    """
    from reconciler.sync.run.report import State

    ended: list[_Ended] = []
    errors: list[ReconcilerError] = []
    for number, each in enumerate(chosen, start=1):
        try:
            found, stopped = await work(each)
        except ReconcilerError as error:
            if len(chosen) == 1:
                raise
            errors.append(error)
            if isinstance(error, _ITS_OWN):
                continue
            return RanEach(tuple(ended), tuple(errors), tuple(chosen[number:]), stopped=False)
        ended.append(found)
        if stopped or found.report.state in (State.INTERRUPTED, State.CANCELLED):
            return RanEach(tuple(ended), tuple(errors), tuple(chosen[number:]), stopped)
    return RanEach(tuple(ended), tuple(errors), (), stopped=False)
