"""Explanation of one price list: reads the parties and the target, maps and compares. Writes and claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.errors import NoSuchRecord, NotFound
from reconciler.kind.connection import ClockedReader, Json, Querier
from reconciler.sparklayer.price_list_records import canonical_list, read_list
from reconciler.sparklayer.prices import read_prices
from reconciler.sparklayer.records import Tier
from reconciler.sync.explanation import Difference, Explanation, PartExplanation
from reconciler.sync.mapping.values import wire_number
from reconciler.sync.party_prices.mapper import draft
from reconciler.sync.party_prices.model import ListHeld, Part, PartyList, held_from_json
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.source import ListSource
from reconciler.sync.party_prices.state import ListState, deleted, settled
from reconciler.sync.party_prices.target import read_facts

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store

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
            _part(Part.LIST, _body(state), found or {}, state, prints, goes=bool(state.removes) and state.gone),
            _part(Part.ROWS, _rows(state), _tiers(prices), state, prints, goes=False),
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


def _part(
    part: Part,
    mapped: Mapping[str, Json] | None,
    target: Mapping[str, Json],
    state: ListState,
    prints: Mapping[str, bytes],
    *,
    goes: bool,
) -> PartExplanation:
    wanted = state.prints.get(part)
    as_written = not goes if wanted is None else prints.get(part) == wanted
    names = dict.fromkeys((*(mapped or {}), *target))
    differences = (Difference(each, target.get(each), (mapped or {}).get(each)) for each in names)
    return PartExplanation(
        part=part.value,
        mapped=mapped,
        target=target,
        differences=() if mapped is None else tuple(each for each in differences if each.target != each.mapped),
        as_written=as_written,
        sends=None if as_written or mapped is None else dict(mapped),
        removes=_removes(part, state, goes=goes),
    )


def _removes(part: Part, state: ListState, *, goes: bool) -> tuple[str, ...]:
    if part is Part.LIST:
        return (str(state.before.slug),) if goes else ()
    return () if state.gone else tuple(sorted(state.before.skus - state.after.skus))


def _body(state: ListState) -> Mapping[str, Json] | None:
    return None if state.body is None else canonical_list(state.body)


def _rows(state: ListState) -> Mapping[str, Json] | None:
    return None if state.body is None else _tiers(state.tiers)


def _tiers(prices: Mapping[str, tuple[Tier, ...]]) -> Mapping[str, Json]:
    return {
        f"{sku} from {tier.quantity}": wire_number(tier.price)
        for sku, tiers in sorted(prices.items())
        for tier in tiers
    }


async def _prices(target: Querier, slug: str) -> Mapping[str, tuple[Tier, ...]]:
    try:
        return await read_prices(target, slug)
    except NotFound:
        return {}
