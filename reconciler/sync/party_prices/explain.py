"""Explanation of one price list: reads the parties and the target, maps and compares. Writes and claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.errors import NoSuchRecord, NotFound
from reconciler.kind.connection import ClockedReader, Json, Querier
from reconciler.sparklayer.price_book import read_prices, require_readable
from reconciler.sparklayer.price_list_records import canonical_list, read_list
from reconciler.sparklayer.records import Tier
from reconciler.sync.explanation import Difference, Explanation, PartExplanation
from reconciler.sync.mapping.values import wire_number
from reconciler.sync.party_prices.mapper import draft
from reconciler.sync.party_prices.model import ListHeld, Part, PartyList, held_from_json
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.source import ListSource
from reconciler.sync.party_prices.state import ListState, deleted, noted_rows, row_print, settled
from reconciler.sync.party_prices.target import read_facts

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store

Prices: TypeAlias = Mapping[str, tuple[Tier, ...]]
"""Prices of a list by SKU."""
_DEFAULT = "the product's default price schedule counts"


async def explain_record(
    settings: PartyPriceSettings, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
) -> Explanation:
    """Explain what a run would do with one price list if it looked at it now.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        store: what the ledger keeps of this sync; only read.
        key: of the record, e.g. `prices:acme+vip`.
        now: our clock.

    Raises:
        NoSuchRecord: no customer has this combination of parties, and none had it.
        TargetIncomplete: the site has no default price list.
        ApiError: something could not be read.
        LedgerError: the ledger could not be read.
    """
    info = await read_facts(target, settings)
    lists = ListSource(source, settings)
    record = (await lists.one(key)).record
    level = store.records.levels([key]).get(key)
    held = ListHeld() if level is None else held_from_json(level.held)
    if record is None and held.slug is None:
        raise NoSuchRecord(
            f"no user has prices of its own as {key}, and no such price list was ever synced",
            next_step="Write a buyer's ID, and behind `+` those of the groups that have prices: prices:acme+vip.",
        )
    if record is None:
        state = deleted(key, held, kept=held.slug in settings.kept)
    else:
        state = settled(draft(record, settings, now + lists.clock_offset, info), held)
    slug = state.after.slug or held.slug
    found = None if slug is None else await read_list(target, slug)
    prices = {} if found is None or slug is None else await _prices(target, slug)
    prints = {} if level is None else level.prints
    return Explanation(
        key,
        None if record is None else dict(_source(record)),
        (
            _list_part(state, found or {}, prints),
            _rows_part(state, prices, prints),
        ),
        state.problems,
        state.due,
    )


def _source(record: PartyList) -> Iterator[tuple[str, Any]]:
    """What the record is made of: each product that has a price schedule for these parties, and why it counts."""
    combination, assigned = record.combination, record.shelf.assigned
    yield "Buyer", {"ID": combination.buyer, "Name": record.buyer_name}
    yield "UserGroups", list(combination.groups)
    yield "Slug", combination.slug
    prices: dict[str, Any] = {}
    for product in sorted(assigned.products(combination)):
        found = assigned.assigned(combination, product)
        prices[product] = (
            {"Because": _DEFAULT}
            if found is None
            else {"PriceSchedules": [name for _, name in found.schedules], "Because": found.why}
        )
    yield "Prices", prices


def _list_part(state: ListState, target: Mapping[str, Json], prints: Mapping[str, bytes]) -> PartExplanation:
    goes = bool(state.removes) and state.gone
    wanted = state.prints.get(Part.LIST)
    as_written = not goes if wanted is None else prints.get(Part.LIST) == wanted
    mapped = None if state.body is None else canonical_list(state.body)
    return PartExplanation(
        part=Part.LIST.value,
        mapped=mapped,
        target=target,
        differences=_differences(mapped, target),
        as_written=as_written,
        sends=None if as_written else mapped,
        removes=(str(state.before.slug),) if goes else (),
    )


def _rows_part(state: ListState, prices: Prices, prints: Mapping[str, bytes]) -> PartExplanation:
    wanted = state.prints.get(Part.ROWS)
    as_written = wanted is None or prints.get(Part.ROWS) == wanted
    # Rows of what has a problem stay what they are.
    staying = {sku: tiers for sku, tiers in prices.items() if sku in state.after.skus and sku not in state.tiers}
    mapped = None if state.body is None else _tiers({**state.tiers, **staying})
    there = noted_rows(state.before, prints.get(Part.ROWS))
    if there is None:
        there = {sku: row_print(tiers) for sku, tiers in prices.items()}
    sent = {sku: tiers for sku, tiers in state.tiers.items() if there.get(sku) != row_print(tiers)}
    return PartExplanation(
        part=Part.ROWS.value,
        mapped=mapped,
        target=_tiers(prices),
        differences=_differences(mapped, _tiers(prices)),
        as_written=as_written,
        sends=None if as_written else (_tiers(sent) or None),
        removes=() if state.gone else tuple(sorted(state.before.skus - state.after.skus)),
    )


def _differences(mapped: Mapping[str, Json] | None, target: Mapping[str, Json]) -> tuple[Difference, ...]:
    """Where the target is not as it is mapped; nowhere where nothing is."""
    if mapped is None:
        return ()
    each = (Difference(name, target.get(name), mapped.get(name)) for name in dict.fromkeys((*mapped, *target)))
    return tuple(one for one in each if one.target != one.mapped)


def _tiers(prices: Prices) -> dict[str, Json]:
    return {
        f"{sku} from {tier.quantity}": wire_number(tier.price)
        for sku, tiers in sorted(prices.items())
        for tier in tiers
    }


async def _prices(target: Querier, slug: str) -> Prices:
    try:
        prices = await read_prices(target, slug)
    except NotFound:
        return {}
    require_readable(prices, slug)
    return prices
