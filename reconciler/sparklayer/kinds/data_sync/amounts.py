"""What flows by a DataSync, in the words of a plan: how much of it a change sends, and what it costs a day. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from reconciler.kind.kind import Volume
from reconciler.sparklayer.kinds.data_sync.cost import PARTY_PRICES, ROWS, WHOLE_EVERY, cost_of, resend_of, run_cost
from reconciler.sparklayer.kinds.data_sync.expressions import Expression, may_see_stock
from reconciler.sparklayer.price_list_records import MOST_LISTS, RECOMMENDED_LISTS
from reconciler.words import counted, listed, parse_duration, spoken

PRODUCTS, LISTS = "products", "party-prices"
_DAY = timedelta(days=1)
_DURATIONS = ("interval", "lookInterval", "walkInterval", "freshness")
_PER_WALK = 1_000
# Lists of a buyer: user groups, who is in them, addresses, and who has them.
_PER_BUYER = 4
# What flows, in the words of a plan; and the data type whose runs send it.
_WORDS: Mapping[str, tuple[str, str]] = {
    "products": ("products", PRODUCTS),
    "stock": ("stock", PRODUCTS),
    "pricing": ("prices", PRODUCTS),
    PARTY_PRICES: ("customers' own price lists", LISTS),
    "customers": ("customers", "customers"),
    "orders": ("orders", "orders"),
}
# Ignite has no pages of prices.
_NOT_PULLED = ("pricing", PARTY_PRICES)
OF_PRODUCTS = tuple(name for name, (_, data_type) in _WORDS.items() if data_type == PRODUCTS)
"""What flows with products."""
SECTIONS = tuple(name for name in _WORDS if name != PARTY_PRICES)
"""The sections of a DataSync that say what flows."""


def flowing(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what our runs send by a DataSync of this state: its sections, and `PARTY_PRICES`."""
    own = bool((state.get("pricing") or {}).get("partyPriceLists"))
    sent = _NOT_PULLED if state.get("mode") == "pull" else _WORDS
    return tuple(name for name in sent if (own if name == PARTY_PRICES else name in state))


def pulled(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what SparkLayer may page through by a DataSync of this state."""
    if state.get("mode", "push") == "push":
        return ()
    return tuple(name for name in _WORDS if name not in _NOT_PULLED and name in state)


def words_of(names: Sequence[str]) -> str:
    """Return what flows for people, e.g. `products, stock and prices`."""
    return listed([_WORDS[name][0] for name in names])


def amounts(names: Sequence[str], volume: Volume | None) -> str:
    """Return what flows and how much that is, for each data type: `stock and prices: up to 300 records, about …`.

    Args:
        names: what flows, see `flowing`.
        volume: from past runs; None: none counted yet.
    """
    types = dict.fromkeys(_WORDS[name][1] for name in names)
    return "; ".join(_amount([name for name in names if _WORDS[name][1] == each], each, volume) for each in types)


def _amount(names: Sequence[str], data_type: str, volume: Volume | None) -> str:
    records = None if volume is None else volume.records.get(data_type)
    if records is None:
        return f"{words_of(names)}: how many, no run has counted yet"
    again = resend_of(records, names)
    requests = f"about {counted(again.writes, 'request')} to write all of it, {again.reads:,} or more to read it"
    words = f"{words_of(names)}: up to {again.records:,} records, {requests}"
    return words if data_type != LISTS else words + _of_lists(records)


def _of_lists(records: int) -> str:
    """Say what else price lists cost, and that there are many where there are."""
    rows = f", and one for every {ROWS} of their rows"
    if records < RECOMMENDED_LISTS:
        return rows
    return (
        f"{rows}; SparkLayer recommends {RECOMMENDED_LISTS:,} price lists at most and takes {MOST_LISTS:,}, and a run "
        "that would need more stops before it writes any"
    )


def costs(state: Mapping[str, Any]) -> Iterator[str]:
    """Say what a DataSync costs where nothing changes, and how old what it writes may be, for what flows."""
    if names := pulled(state):
        yield _of_pull(state["mode"], names)
    interval, look, walk, freshness = (parse_duration(state[name]) for name in _DURATIONS)
    if any(_WORDS[name][1] == PRODUCTS for name in flowing(state)):
        cost = cost_of(interval, look, walk, _PER_WALK, 0)
        empty = cost_of(interval, look, walk, 0, 0)
        yield (
            f"where nothing changes it costs about {empty.a_day:,} requests a day and, per 1,000 products, "
            f"{cost.a_day - empty.a_day:,} more: {cost.per_look} at every light walk ({state['lookInterval']}), "
            f"{cost.per_walk} at every walk ({state['walkInterval']}{_while_heard(state)}), where one more is made for "
            f"each product with variants{_of_stock(state)}"
        )
        yield (
            f"what lists show of products and prices is promised to be {spoken(freshness)} old at most (freshness), "
            f"the inside of variants and stock that moves between places {spoken(walk + freshness)} (walkInterval + "
            f"freshness){_hidden(state, walk + freshness)}{_of_trust(state, freshness)}"
        )
    if PARTY_PRICES in flowing(state):
        yield (
            f"customers' own price lists cost, at every light walk ({state['lookInterval']}) and walk, 1 request for "
            "each buyer whose user groups have prices, and 1 for every 100 product assignments, price schedules "
            "of parties, products with such prices, and users"
        )
    if "customers" in flowing(state):
        every = state["customers"].get("walkInterval") or state["walkInterval"]
        example = round(_DAY / parse_duration(every) * (_PER_BUYER * 100 + 10))
        yield (
            f"customers cost {_PER_BUYER} requests for each buyer and 1 for every 100 users at every walk ({every}): "
            f"about {example:,} a day for 100 buyers with 1,000 users"
        )
    if "orders" in flowing(state):
        yield (
            "orders cost one request or more for each that changed; every "
            f"{state['walkInterval']} open ones are looked at again, and all are listed, 100 a request"
        )
    if others := [name for name in (PARTY_PRICES, "customers", "orders") if name in flowing(state)]:
        each = {name: run_cost(_WORDS[name][1]) for name in others}
        said = listed([f"{number} of {_WORDS[name][0]}" for name, number in each.items()])
        yield (
            f"each run ({state['interval']}) looks whether the site is as it was left, and costs up to {said}: "
            f"{round(_DAY / interval * sum(each.values())):,} requests a day"
        )


def _of_stock(state: Mapping[str, Any]) -> str:
    """Say what stock by place costs in walks."""
    if "stock" not in state:
        return ""
    if state.get("heardWalkInterval") is not None:
        return " or stock by place, as walks measure messages (heardWalkInterval)"
    if not _goes_by_stamps(state):
        return " or stock by place, which products.mapping looks at"
    return (
        f", and for each whose stock by place moved; one walk in {WHOLE_EVERY} and every full sync read all of that: "
        "one more for each product with stock at several places, and for each variant with its own"
    )


def _hidden(state: Mapping[str, Any], usual: timedelta) -> str:
    """Say what walks that go by stamps do not see, and how old that may be."""
    if "stock" not in state or not _goes_by_stamps(state):
        return ""
    longest = f"{spoken(WHOLE_EVERY * usual)} ({WHOLE_EVERY} times both)"
    return f", and {longest} where its Inventory.LastUpdated does not move with it"


def _while_heard(state: Mapping[str, Any]) -> str:
    longer = state.get("heardWalkInterval")
    return "" if longer is None else f", or {longer} while messages tell the rest"


def _of_trust(state: Mapping[str, Any], freshness: timedelta) -> str:
    """Say how old what lists do not show may be while messages tell of it."""
    longer = state.get("heardWalkInterval")
    if longer is None:
        return ""
    return (
        f"; while messages tell of that, {spoken(parse_duration(longer) + freshness)} (heardWalkInterval + freshness) "
        "where one is missing"
    )


def _goes_by_stamps(state: Mapping[str, Any]) -> bool:
    if state.get("heardWalkInterval") is not None:
        return False
    mapping: Mapping[str, str] = (state.get("products") or {}).get("mapping") or {}
    return not may_see_stock(Expression(text) for text in mapping.values())


def _of_pull(mode: str, names: Sequence[str]) -> str:
    """Say what it means, and costs, that SparkLayer pages through records by Ignite."""
    read = (
        "each of its full syncs reads everything from OrderCloud, and goes before our runs: 4 requests for every 100 "
        "products and one more for each with variants or stock by place, 7 or more for each buyer, 2 for every 100 "
        "orders"
    )
    if mode == "pull":
        return (
            f"SparkLayer pulls {words_of(names)} (mode: pull), and our runs send none of that: how old they are is up "
            f"to SparkLayer; {read}"
        )
    return (
        f"SparkLayer pulls {words_of(names)}, and our runs send the same (mode: both): {read}, and every record is "
        "written twice, the later one counting"
    )
