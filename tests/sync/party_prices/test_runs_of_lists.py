"""Price lists over many runs: whatever is edited on either side, wherever runs are killed, the last mends it all."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.errors import Conflict, NotFound, Rejected
from reconciler.kind.connection import TakerT
from reconciler.ledger.data import in_doubt
from reconciler.sparklayer.lists import PRICE_LISTS
from reconciler.sync.datatype import Census, Reading, Written
from reconciler.sync.mapping.values import View
from reconciler.sync.mode import Mode
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.party_prices.datatype import PartyPrices
from reconciler.sync.party_prices.model import Item, PartyList, Shelf, Ware
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.state import ListState, rows_print
from reconciler.sync.run.breaker import Breaker
from reconciler.sync.run.report import State
from support.engine import Killed, Site, open_engine, quick
from support.party_market import assigned, schedule

Json = dict[str, Any]
Market = Mapping[str, Any]
DEFAULT = "ordercloud-price"
LIST = re.compile(r"api/v1/price-lists/([^/]+)(/pricing)?")
MANY = int(os.environ.get("PARTY_PRICE_EXAMPLES", "4"))


@dataclass
class PricedSite(Site):
    """A site's price lists with their prices; it can be killed at any write, before it is done or after."""

    lists: dict[str, Json] = field(default_factory=lambda: {DEFAULT: {"slug": DEFAULT, "currency_code": "GBP"}})
    prices: dict[str, dict[str, int]] = field(default_factory=dict)
    writes: int = 0
    kill_at: int | None = None
    kill_after: bool = False

    async def get(self, path: str, params: Any = None) -> Any:
        if path == PRICE_LISTS:
            data = list(self.lists.values())
            return {"data": data, "pagination": {"total": len(data), "total_pages": 1}}
        found = LIST.fullmatch(path)
        if found is None:
            return [] if path.endswith("stock-locations") else await super().get(path, params)
        if found[1] not in self.lists:
            raise NotFound("no list", status=404)
        if found[2] is None:
            return self.lists[found[1]]
        return [{"sku": sku, "quantity": 1, "price": price} for sku, price in self.prices.get(found[1], {}).items()]

    async def rows(self, path: str, begin: Callable[[], TakerT], largest: int | None = None) -> TakerT:
        taker = begin()
        taker.take(await self.get(path))
        return taker

    async def post(self, path: str, body: Any) -> Any:
        with _Write(self):
            if body["slug"] in self.lists:
                raise Conflict("taken", status=409)
            self.lists[body["slug"]] = dict(body)

    async def patch(self, path: str, body: Any) -> Any:
        if path.startswith("api/v1/sync-log"):
            return await super().patch(path, body)
        with _Write(self):
            if path.endswith("batch-update-pricing"):
                self._price(body)
                return None
            found = LIST.fullmatch(path)
            if found is None or found[1] not in self.lists:
                raise NotFound("no list", status=404)
            self.lists[found[1]] |= body
        return None

    async def delete(self, path: str) -> None:
        with _Write(self):
            slug = path.rpartition("/")[2]
            if self.lists.pop(slug, None) is None:
                raise NotFound("no list", status=404)
            self.prices.pop(slug, None)

    def _price(self, rows: list[Json]) -> None:
        for row in rows:
            if row["price_list_slug"] not in self.lists:
                raise NotFound("no list", status=404)
            held = self.prices.setdefault(row["price_list_slug"], {})
            held.pop(row["sku"], None)
            if row["pricing"]:
                held[row["sku"]] = row["pricing"][0]["price"]


class _Write:
    def __init__(self, site: PricedSite) -> None:
        self.site = site

    def __enter__(self) -> None:
        self.site.writes += 1
        if self.site.kill_at == self.site.writes and not self.site.kill_after:
            raise Killed

    def __exit__(self, *error: object) -> None:
        if self.site.kill_at == self.site.writes and self.site.kill_after:
            raise Killed


class MarketSource:
    """What OrderCloud has, without OrderCloud."""

    clock_offset = timedelta()

    def __init__(self, market: Market) -> None:
        self.records = {record.key: record for record in records_of(market)}

    def time_at(self, moment: float) -> datetime | None:
        return None

    async def census(self) -> Census:
        return Census(len(self.records))

    async def everything(self) -> Any:
        for record in self.records.values():
            yield [record]

    async def listed(self) -> Any:
        yield {key: record.look for key, record in self.records.items()}

    async def changed_since(self, moment: datetime) -> Any:
        yield []

    async def some(self, keys: Any) -> list[PartyList]:
        return [self.records[key] for key in keys if key in self.records]

    async def one(self, key: str) -> Reading[PartyList]:
        return Reading(self.records.get(key))


class Lists:
    """The data type, reading from a market that is set by hand."""

    def __init__(self) -> None:
        self.data = PartyPrices(PartyPriceSettings(DEFAULT))
        self.market: Market = {"prices": {}, "users": {}}
        self.sent: list[str] = []
        self.asked: list[str] = []
        self.held = None

    def source(self, reader: Any, breaker: Any) -> MarketSource:
        return MarketSource(self.market)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)


def records_of(market: Market) -> list[PartyList]:
    rows = [
        assigned(product, buyer, f"s{price}", group)
        for (buyer, group), prices in market["prices"].items()
        for product, price in prices.items()
    ]
    schedules = {f"s{price}": schedule(f"s{price}", price) for price in range(10)}
    wares = {each: Ware(each, "d", {}, (Item(f"SKU-{each}", View(each, {})),), b"") for each in "pqr"}
    shelf = Shelf(wares, frozenset(), schedules, PartySchedules.of(rows))
    found = {}
    for buyer, groups in market["users"].items():
        for each in groups:
            combination = shelf.assigned.combination(buyer, [each] if each else [], None)
            if combination is not None:
                look = repr((buyer, sorted(map(str, rows)))).encode()
                found[combination.key] = PartyList(combination, buyer, shelf, look)
    return list(found.values())


def wanted(market: Market) -> dict[str, dict[str, int]]:
    """Prices by slug: a group's, else the buyer's."""
    found = {}
    for record in records_of(market):
        prices = dict(market["prices"].get((record.combination.buyer, None), {}))
        for group in record.combination.groups:
            prices |= market["prices"].get((record.combination.buyer, group), {})
        found[record.combination.slug] = {f"SKU-{product}": price for product, price in prices.items()}
    return found


def held(site: PricedSite) -> dict[str, dict[str, int]]:
    return {slug: site.prices.get(slug, {}) for slug in site.lists if slug != DEFAULT}


parties = st.tuples(st.sampled_from(["acme", "beta"]), st.sampled_from([None, "g", "h"]))
markets = st.fixed_dictionaries(
    {
        "prices": st.dictionaries(
            parties, st.dictionaries(st.sampled_from("pqr"), st.integers(1, 3), min_size=1), min_size=1, max_size=4
        ),
        "users": st.fixed_dictionaries(
            {"acme": st.sets(st.sampled_from(["", "g", "h"]), min_size=1), "beta": st.sets(st.sampled_from(["", "g"]))}
        ),
    }
)
steps = st.one_of(
    st.tuples(st.just("market"), markets),
    st.tuples(st.just("run"), st.sampled_from([None, Mode.LIGHT, Mode.WALK, Mode.FULL, Mode.VERIFY, Mode.REWRITE])),
    st.tuples(st.just("kill"), st.tuples(st.integers(1, 6), st.booleans())),
    st.tuples(st.just("spoil"), st.integers(0, 5)),
)


def spoil(site: PricedSite, number: int) -> None:
    """Change something at the site that is ours."""
    ours = sorted(site.lists.keys() - {DEFAULT})
    if not ours:
        return
    slug = ours[number % len(ours)]
    match number % 3:
        case 0:
            site.prices.setdefault(slug, {})["FOREIGN"] = 1
        case 1:
            site.lists[slug]["name"] = "Something else"
            site.prices.pop(slug, None)
        case _:
            del site.lists[slug]
            site.prices.pop(slug, None)


@settings(max_examples=MANY, deadline=None)
@given(markets, st.lists(steps, min_size=2, max_size=8), markets)
def test_the_last_run_leaves_what_the_market_says_and_the_next_writes_nothing(
    first: Market, made: list[tuple[str, Any]], last: Market
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(Path(folder)) as engine,
        pytest.MonkeyPatch.context() as patches,
    ):
        quick(patches)
        # A run that is killed here has no write that arrives later.
        patches.setattr(in_doubt, "ARRIVES_WITHIN", timedelta())
        lists, site = Lists(), PricedSite()
        engine.things, engine.site = lists, site  # type: ignore[assignment]
        engine.overrides = {"maxDeletePercent": "a test"}
        lists.market = first
        engine.run()
        for step, value in made:
            if step == "market":
                lists.market = value
            elif step == "spoil":
                spoil(site, value)
            elif step == "run":
                assert engine.run(value).state is State.FINISHED
            else:
                site.kill_at, site.kill_after = site.writes + value[0], value[1]
                with suppress(Killed, BaseExceptionGroup):
                    engine.run(Mode.WALK)
                site.kill_at = None
        is_spoilt = any(step == "spoil" for step, _ in made)
        # A run that was cut off goes on first, with what it read before.
        assert engine.run(Mode.WALK).state is State.FINISHED
        lists.market = last
        assert engine.run(Mode.VERIFY if is_spoilt else Mode.WALK).state is State.FINISHED
        found, right = held(site), wanted(last)
        # A list that was made right before a kill is ours as well.
        assert found == right
        for mode in (Mode.LIGHT, Mode.WALK, Mode.VERIFY):
            before = site.writes
            assert engine.run(mode).state is State.FINISHED
            assert site.writes == before, mode


def test_a_list_that_somebody_deleted_is_made_again_with_all_its_rows() -> None:
    market = {"prices": {("acme", None): {"p": 1, "q": 2}}, "users": {"acme": {""}}}
    [record] = records_of(market)
    data = PartyPrices(PartyPriceSettings(DEFAULT, currency="GBP"))
    draft = data.map(record, datetime.now(UTC), None)
    held_before = {**data.resolve(draft, {}, {}).held(whole=True), "rows": {"p": {"SKU-p": "old"}}}
    state = data.resolve(draft, {}, held_before)
    known = {"list": state.prints["list"], "rows": rows_print({"p": {"SKU-p": "old"}})}
    site = PricedSite()

    async def write() -> Written:
        sink = data.sink(cast("Any", site), Breaker(5.0), lambda: False)
        return await sink.write(replace(state, known=known), {"rows"})

    written = asyncio.run(write())
    assert written.done == {"rows"}
    assert state.held(whole=True)["made"] is True
    assert held(site) == wanted(market)


def test_a_list_that_was_not_there_is_ours_before_it_is_made_and_when_its_rows_fail() -> None:
    [record] = records_of({"prices": {("acme", None): {"p": 1}}, "users": {"acme": {""}}})
    data = PartyPrices(PartyPriceSettings(DEFAULT, currency="GBP"))
    draft = data.map(record, datetime.now(UTC), None)
    # Somebody else's once, which was taken over and deleted at the site.
    state = data.resolve(draft, {}, {"slug": record.combination.slug})
    taken_over = data.resolve(draft, {}, {"slug": record.combination.slug})

    class Failing(PricedSite):
        def _price(self, rows: list[Json]) -> None:
            raise Rejected("not now", status=422)

    async def write(site: PricedSite, state: ListState) -> Mapping[str, Mapping[str, Any]]:
        sink = data.sink(cast("Any", site), Breaker(5.0), lambda: False)
        noted = await sink.announce([state])
        assert (await sink.write(state, {"list", "rows"})).refused
        return noted

    noted = asyncio.run(write(Failing(), state))
    assert noted == {record.key: {"slug": record.combination.slug, "made": True}}
    assert state.held(whole=False)["made"] is True
    there = Failing()
    there.lists[record.combination.slug] = {"slug": record.combination.slug, "source": "integration"}
    assert asyncio.run(write(there, taken_over)) == {}
    assert "made" not in taken_over.held(whole=False)


def test_a_list_that_a_manifest_keeps_is_remembered_as_ours() -> None:
    ours = {"slug": "oc-a", "made": True}
    keeping = PartyPrices(PartyPriceSettings(DEFAULT, kept=frozenset({"oc-a"})))
    # A walk does not take it for gone, and asks again: it notices when the manifest names it no more.
    assert keeping.named(ours) in keeping.reserved
    kept = keeping.deleted("k", {}, ours, outside=False)
    assert (kept.removes, kept.held(whole=True)) == (frozenset(), ours)
    data = PartyPrices(PartyPriceSettings(DEFAULT))
    assert data.deleted("k", {}, kept.held(whole=True), outside=False).removes
    assert not data.deleted("k", {}, {"slug": "oc-a"}, outside=False).removes
