"""Preflight: is the target what we left behind? A look at its sync log and at a few records before a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from msgspec import Struct

from reconciler.ledger.data.model import Level
from reconciler.sync.mode import Mode
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.synclog import Logbook
from reconciler.words import counted

_LATEST, _RANDOM = 15, 15
# Up to so many records, what the target only tells as a whole is read to look at a few.
_WHOLE_UP_TO = 2_000
# More changes than these are no slip of somebody's hand.
_REPAIRED_ONE_BY_ONE = 2


class Finding(Struct, frozen=True):
    """What a look at the target told.

    Args:
        mode: how the run has to treat it.
        otherwise: records that are missing or not as we left them: nothing is believed of them any more.
        remarks: what was found, for people.
    """

    mode: Mode
    otherwise: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


async def check_target(context: RunContext, logbook: Logbook, known: int) -> Finding:
    """Look at the target before a run, and say how the run has to treat it.

    Args:
        context: of the run.
        logbook: the sync log.
        known: how many records the ledger knows.

    Raises:
        ApiError: the target could not be read.
    """
    mode = context.mode
    if not known:
        return Finding(mode, remarks=await _before_our_time(mode, logbook))
    if mode.looks:
        return Finding(mode)
    otherwise: tuple[str, ...] = ()
    remark = await _foreign_log(logbook)
    if remark is None:
        found = await _sample(context, with_whole=known <= _WHOLE_UP_TO)
        otherwise = found.otherwise
        if found.is_slight:
            return Finding(mode, otherwise, found.slight_remarks())
        remark = found.remark()
    return Finding(Mode.VERIFY, otherwise, (remark, "so this run verifies every record"))


async def _before_our_time(mode: Mode, logbook: Logbook) -> tuple[str, ...]:
    """What a new ledger cannot know of a site that was synced to before."""
    if not (mode.is_full and await logbook.is_from_before()):
        return ()
    remark = (
        "the ledger is new, and the site was synced to before: records that were deleted at the source since are "
        "not known, and stay as they are"
    )
    return (remark,)


async def _foreign_log(logbook: Logbook) -> str | None:
    if await logbook.is_ours():
        return None
    return "the sync log is not as we left it: the site was restored or emptied, or somebody else syncs to it"


class _Sample(Struct, frozen=True):
    """Records that were looked at: how many, and those that are missing or not as we left them."""

    size: int = 0
    missing: tuple[Level, ...] = ()
    changed: tuple[Level, ...] = ()

    @property
    def otherwise(self) -> tuple[str, ...]:
        return tuple(level.key for level in (*self.missing, *self.changed))

    @property
    def is_slight(self) -> bool:
        return not self.missing and len(self.changed) <= _REPAIRED_ONE_BY_ONE

    def remark(self) -> str:
        return (
            f"of {counted(self.size, 'record')} looked at, {len(self.missing)} are missing in the target and "
            f"{len(self.changed)} are not as we left them"
        )

    def slight_remarks(self) -> tuple[str, ...]:
        if not self.changed:
            return ()
        as_far = ", as far as their problems allow" if any(level.problems for level in self.changed) else ""
        remark = (
            f"{', '.join(self.otherwise)}: changed in the target by somebody else, and written again{as_far}; "
            "`--verify` looks at all records"
        )
        return (remark,)


async def _sample(context: RunContext, *, with_whole: bool) -> _Sample:
    """Read a few records of the target and compare them with what was written of them."""
    sample = in_turns(await context.ledger.records.sample(_LATEST, _RANDOM, context.data.digest), context.data.parts[0])
    if not sample:
        return _Sample()
    whole = await context.sink.whole(sample=True) if with_whole else None
    observed = await context.sink.observe_held({level.key: level.held for level in sample}, whole)
    missing: list[Level] = []
    changed: list[Level] = []
    for level in sample:
        if level.key in observed.missing and context.data.parts[0] in level.prints:
            missing.append(level)
        elif _differs(level, observed.prints[level.key]):
            changed.append(level)
    return _Sample(len(sample), tuple(missing), tuple(changed))


def in_turns(sample: Sequence[Level], own_part: str) -> list[Level]:
    """Return records in the order in which they are worth a look: a target may look closely at the first alone. Pure.

    Those without problems and those with some take turns. Those whose own part was not written come last: nobody can
    say that they are missing.
    """
    whole = [level for level in sample if own_part in level.prints]
    good, bad = ([level for level in whole if level.problems is has_some] for has_some in (False, True))
    turns = [level for pair in zip_longest(good, bad) for level in pair if level is not None]
    return [*turns, *(level for level in sample if own_part not in level.prints)]


def _differs(level: Level, seen: Mapping[str, bytes]) -> bool:
    return any(level.prints.get(part, value) != value for part, value in seen.items())
