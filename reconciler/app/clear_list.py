"""Remove the prices that a data sync wrote to a price list which it does not write to any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from reconciler.app.chosen import Chosen, HowToRun, opened_ledger
from reconciler.clock import utc_now
from reconciler.errors import GuardrailBreach, Interrupted, NotFound, UsageError
from reconciler.registry import open_writer
from reconciler.sync.clearing import Cleared, Clearing, ClearingReport
from reconciler.sync.datasync import DataSync, connections_of, data_syncs, require_applied
from reconciler.sync.mode import LIMIT
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.old_prices import OldPrices, old_prices
from reconciler.words import counted, some

if TYPE_CHECKING:
    from reconciler.app.sync_faces import SyncFace
    from reconciler.http.client import HttpWriter
    from reconciler.http.observe import Observer
    from reconciler.ledger.data.store import Store
    from reconciler.sync.products.settings import ProductSettings
    from reconciler.sync.run.breaker import Breaker

COMMAND = "clear-list"
"""The command as the ledger has it, beside `apply`."""
_FEATURE = "A data sync"
_A_DAY = timedelta(hours=24)
_CHUNK = 100


def of_prices(chosen: Sequence[Chosen]) -> Chosen:
    """Return the data type that wrote default prices.

    Raises:
        UsageError: the data sync has none such.
    """
    found = next((each for each in chosen if isinstance(each.sync.data, Products)), None)
    if found is None:
        raise UsageError(f"{chosen[0].sync.name} writes no default prices", next_step="Leave --clear-list out.")
    return found


async def clear_list(
    chosen: Chosen,
    slug: str,
    how: HowToRun,
    face: SyncFace,
    observer: Observer,
    agreed: Callable[[Clearing], bool],
) -> ClearingReport:
    """Remove the prices that a data sync wrote to an old price list, and keep in the ledger that it was done, and why.

    Args:
        chosen: the data sync.
        slug: of the list.
        how: cache, patience, waiting, overrides.
        face: hears of others who run it.
        observer: told of the requests.
        agreed: is shown what would be done, and says whether it is to be.

    Returns:
        What was found, and what became of it.

    Raises:
        UsageError: prices go to that list now.
        GuardrailBreach: more products would lose their prices than `maxDeletePercent` allows.
        NotApplied: the data sync is not as it was applied.
        ApiError: something failed; what was removed by then is known, and the same again does the rest.
        LedgerError: the ledger cannot be used.
    """
    from reconciler.ledger.process import describe_holder

    require_applied(chosen.sync)
    _require_old(chosen, slug)
    settings, holder = _settings(chosen.sync), describe_holder(f"sync run --clear-list {slug}")
    with opened_ledger(chosen, _FEATURE, ephemeral=how.ephemeral) as ledger:
        store = ledger.store(chosen.sync.scope)
        with store.lock(holder, wait=how.lock_wait, on_wait=face.waits_for):
            found = _found(chosen, store, settings, slug, how)
            report = ClearingReport(chosen.session.name, chosen.sync.name, found)
            if not found.skus or not agreed(found):
                return report
            plan = {"sync": chosen.sync.name, "price_list": slug, "skus": found.skus, "products": found.products}
            reasons = {} if found.override is None else {LIMIT: found.override}
            run = ledger.begin_run(chosen.session.name, holder, plan, (), reasons, command=COMMAND)
            try:
                done = await _clear(chosen, store, settings, slug, how, observer)
            except asyncio.CancelledError:
                raise Interrupted(
                    "Interrupted: some prices were removed from the list",
                    next_step=f"`reconciler sync run {chosen.sync.name} --clear-list {slug}` does the rest.",
                ) from None
            ledger.finish_run(run)
            return replace(report, done=done)


def _found(chosen: Chosen, store: Store, settings: ProductSettings, slug: str, how: HowToRun) -> Clearing:
    number, products, live = 0, 0, list[str]()
    for found in _chunks(store, settings, slug):
        number += sum(len(each.skus) for each in found.values())
        products += len(found)
        live.extend(key for key, each in found.items() if not each.gone)
    return Clearing(slug, number, products, _within_limit(chosen, store, how, slug, live, number))


def _require_old(chosen: Chosen, slug: str) -> None:
    session = chosen.session
    for sync in data_syncs(session, session.memory()):
        if isinstance(sync.data, Products) and sync.data.settings.price_list == slug:
            raise UsageError(
                f"{sync.name} writes its prices to the price list {slug}",
                next_step="Only a list that no data sync writes to any more can be cleared.",
            )


def _settings(sync: DataSync) -> ProductSettings:
    return cast("Products", sync.data).settings  # `of_prices` chose it


def _chunks(store: Store, settings: ProductSettings, slug: str) -> Iterator[dict[str, OldPrices]]:
    """Yield by record what is on an old list, also of records that are gone."""
    for gone in (False, True):
        after: str | None = None
        while levels := store.records.unseen("", after, _CHUNK, gone=gone):
            after = levels[-1].key
            found = {level.key: old_prices(level, settings, slug) for level in levels}
            yield {key: prices for key, prices in found.items() if prices.skus}


def _within_limit(
    chosen: Chosen, store: Store, how: HowToRun, slug: str, products: Sequence[str], skus: int
) -> str | None:
    from reconciler.sync.mode import most_deletes

    now = utc_now()
    counts, recent = store.records.counts(now), store.records.deleted_since(now - _A_DAY)
    known, percent = counts.in_scope + recent, chosen.sync.settings.max_delete_percent
    allowed = most_deletes(known, percent)
    if recent + len(products) <= allowed:
        return None
    if (reason := how.overrides.get(LIMIT)) is not None:
        return reason
    before = f", after {recent:,} that were discontinued in the last 24 h" if recent else ""
    raise GuardrailBreach(
        f"{counted(len(products), 'product')} would lose the prices on {slug}{before}, those of "
        f"{counted(skus, 'SKU')}, and {LIMIT} ({percent:g} %) allows {allowed:,} of {known:,}; none did: "
        f"{some(products)}",
        next_step=f"If they are meant to: `reconciler sync run {chosen.sync.name} --clear-list {slug} --override "
        f"{LIMIT} --reason TEXT`.",
    )


async def _clear(
    chosen: Chosen, store: Store, settings: ProductSettings, slug: str, how: HowToRun, observer: Observer
) -> Cleared:
    from reconciler.sync.run.breaker import Breaker
    from reconciler.sync.run.context import transport

    _, target = connections_of(chosen.session)
    policy = transport(how.patience)
    cleared, refused = 0, dict[str, str]()
    async with open_writer(target, (), token_cache=how.token_cache, observer=observer, policy=policy) as writer:
        breaker = Breaker(how.patience)
        for found in _chunks(store, settings, slug):
            skus = sorted({sku for each in found.values() for sku in each.skus})
            try:
                words = await _removed(writer, breaker, slug, skus) if skus else {}
            except NotFound:
                cleared += _noted(store, found, {}, slug)
                for rest in _chunks(store, settings, slug):
                    cleared += _noted(store, rest, {}, slug)
                return Cleared(cleared, refused, no_list=True)
            refused.update(words)
            cleared += _noted(store, found, words, slug)
    return Cleared(cleared, refused)


async def _removed(writer: HttpWriter, breaker: Breaker, slug: str, skus: list[str]) -> dict[str, str]:
    from reconciler.sparklayer.prices import write_prices
    from reconciler.sparklayer.records import Price
    from reconciler.sync.run.attempts import RECORD_TRIES
    from reconciler.sync.run.breaker import Outage

    def send() -> Awaitable[dict[Price, str]]:
        return write_prices(writer, [Price(sku, slug, ()) for sku in skus])

    try:
        refused = await breaker.repeat(send, tries=RECORD_TRIES, clashes_pass=True)
    except Outage as outage:
        raise outage.error from None
    return {price.sku: words for price, words in refused.items()}


def _noted(store: Store, found: Mapping[str, OldPrices], refused: Mapping[str, str], slug: str) -> int:
    """Note what is not on the list any more, and return how many SKUs that are."""
    store.records.hold({key: each.without(slug, refused) for key, each in found.items()})
    return sum(len(each.skus.difference(refused)) for each in found.values())
