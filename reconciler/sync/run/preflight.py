"""Before a run: is the target what we left behind? A look at its sync log, its prerequisites and a few records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.errors import TargetIncomplete
from reconciler.ledger.data.model import Level
from reconciler.ledger.data.store import Levels
from reconciler.sync.mode import Mode
from reconciler.sync.products.model import Part, held_from_json
from reconciler.sync.products.sink import Skus, Target
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.synclog import Logbook
from reconciler.sync.settings import SyncSettings
from reconciler.words import counted

_LATEST, _RANDOM = 15, 15
# Up to so many records the whole price list is read to look at the prices of a few.
_PRICES_UP_TO = 2_000
# More changes than these are no slip of somebody's hand.
_REPAIRED_ONE_BY_ONE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at the target told.

    Args:
        mode: how the run has to treat it.
        list_currency: currency of the price list; None: there is no list, and none can be made.
        repairs: records that are not as we left them, to be written again.
        remarks: what was found, for people.
    """

    mode: Mode
    list_currency: str | None = None
    repairs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())


async def check_target(
    target: Target,
    logbook: Logbook,
    levels: Levels,
    thread: LedgerThread,
    settings: SyncSettings,
    mode: Mode,
    known: int,
    *,
    log_is_told: bool,
) -> Finding:
    """Look at the target before a new run, and say how the run has to treat it.

    Args:
        target: the site.
        logbook: its sync log.
        levels: the ledger.
        thread: the ledger's thread.
        settings: of the DataSync.
        mode: what is due.
        known: how many records the ledger knows.
        log_is_told: no run was cut off, so that the sync log's dates are those that we remember.

    Raises:
        TargetIncomplete: something that manifests declare is not there.
        ApiError: the target could not be read.
    """
    missing = await target.missing_locations()
    if missing:
        raise TargetIncomplete(
            f"the site has no stock location {', '.join(sorted(missing))}",
            next_step="`reconciler apply` creates what the StockLocation manifests declare.",
        )
    remarks: list[str] = []
    repairs: tuple[str, ...] = ()
    currency, created = await target.ensure_price_list()
    if created and known:
        remarks.append("the price list was gone and is created again")
        mode = max_mode(mode, Mode.VERIFY)
    if known and mode not in (Mode.VERIFY, Mode.REWRITE):
        if log_is_told and not await logbook.is_ours():
            remarks.append(
                "the sync log is not as we left it: the site was restored or emptied, or somebody else syncs to it"
            )
            mode = Mode.VERIFY
        else:
            # What was written of a record with problems may be only some of what the target holds of it.
            found = await thread.call(levels.sample, _LATEST, _RANDOM)
            sample = [level for level in found if not level.problems]
            lost, changed = await _compare(target, sample, settings, with_prices=known <= _PRICES_UP_TO)
            if lost or len(changed) > _REPAIRED_ONE_BY_ONE:
                remarks.append(
                    f"of {counted(len(sample), 'record')} looked at, {len(lost)} are missing in the target and "
                    f"{len(changed)} are not as we left them"
                )
                mode = Mode.VERIFY
            elif changed:
                repairs = tuple(changed)
                remarks.append(
                    f"{', '.join(changed)}: changed in the target by somebody else, and written again; "
                    "`--verify` looks at all records"
                )
    if not known and mode.is_full and await logbook.is_from_before():
        remarks.append(
            "the ledger is new, and the site was synced to before: products that were deleted at the source since are "
            "not known, and stay as they are"
        )
    elif mode is Mode.VERIFY and remarks:
        remarks.append("so this run verifies every record")
    return Finding(mode, currency, repairs, tuple(remarks))


def max_mode(one: Mode, other: Mode) -> Mode:
    """Return the more thorough of two modes."""
    order = tuple(Mode)
    return max(one, other, key=order.index)


async def _compare(
    target: Target, sample: Sequence[Level], settings: SyncSettings, *, with_prices: bool
) -> tuple[list[str], list[str]]:
    """Return the keys of those that the target does not have, and of those that it has otherwise."""
    if not sample:
        return [], []
    prices = await target.all_prices() if with_prices and Part.PRICES in settings.parts else None
    records = {level.key: _skus(level) for level in sample}
    observed = await target.observe(records, settings.parts, prices)
    lost: list[str] = []
    changed: list[str] = []
    for level in sample:
        seen = observed.prints[level.key]
        if Part.PRODUCT in level.prints and level.key not in observed.exists:
            lost.append(level.key)
        elif any(level.prints.get(part, value) != value for part, value in seen.items()):
            changed.append(level.key)
    return lost, changed


def _skus(level: Level) -> Skus:
    held = held_from_json(level.held)
    return Skus(frozenset(held.skus), held.priced)
