"""What a source, a target or a sink may do beside what all of them do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from reconciler.sync.datatype import Held, Written
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.company import Company, Wait


@runtime_checkable
class Learning(Protocol):
    """Source whose reading depends on what the target has."""

    def learn(self, facts: Any) -> None:
        """Take what the mapper must know of the target; None: nobody knows."""


class Memos(Protocol):
    """What a source noted of records, in the ledger; it says nothing of what the target holds."""

    async def recall(self, keys: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return what was noted of records, as far as something was."""

    async def keep(self, noted: Mapping[str, Mapping[str, Any]]) -> None:
        """Note something of records, in place of what was noted before."""

    async def distrust(self, key: str) -> None:
        """Note that a record moved though its stamp did not: from now on no walk skips anything."""


@runtime_checkable
class Remembering(Protocol):
    """Source that notes what it reads, and need not read again what its stamp says has not moved."""

    def remember(self, memos: Memos, *, skips: bool) -> None:
        """Take the notes; `skips`: what has not moved is not read."""


@runtime_checkable
class Nameless(Protocol):
    """Source whose lists may have records of which nothing can be asked by their ID."""

    def nameless(self) -> list[Any]:
        """Return those that came by `Source.listed` since this was asked last: nothing else shows them."""


@runtime_checkable
class Ranging(Protocol):
    """Source that can read everything in ranges, each by itself, and each perhaps by another process."""

    def ranges(self, keys: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return ranges, as JSON data, of which every record there is is in at least one; none: it has to be one walk.

        Args:
            keys: of records that are known, evenly spread, in their order by bytes.
        """

    def everything_in(self, bounds: Mapping[str, Any]) -> AsyncGenerator[list[Any], None]:
        """Yield all records of a range in chunks, as `Source.everything` does of all."""


@runtime_checkable
class Sparing(Protocol):
    """Data type whose walks may skip something of the records that have not moved."""

    @property
    def spares(self) -> bool:
        """Whether they may, as far as the manifest decides."""

    @property
    def hidden(self) -> str:
        """What a walk that skips does not see, for people."""


@runtime_checkable
class Foreseeing(Protocol):
    """Target that looks, in a rehearsal, at what a write would find; what is no record's it tells by `remarks`."""

    async def foresee(self, state: Any) -> Sequence[RecordProblem]:
        """Look at what the write of a record would find, and return what keeps it from being written."""


@runtime_checkable
class Announcing(Protocol):
    """Sink of records of which more has to be noted before they are sent than that they are."""

    async def announce(self, states: Sequence[Any]) -> Mapping[str, Held]:
        """Return what the target may hold of records that are about to be written, by key, where a crash would lose it.

        Raises:
            ApiError: the target could not be read.
        """


@runtime_checkable
class Gathering(Protocol):
    """Sink that sends some of what it writes in batches with that of other records."""

    @property
    def company(self) -> Company:
        """Says to its batches whether anything else comes; the engine tells it."""

    async def write(self, state: Any, parts: Collection[str], wait: Wait) -> Written:
        """Write like any sink; `wait` is awaited before the record only waits for its batches."""
