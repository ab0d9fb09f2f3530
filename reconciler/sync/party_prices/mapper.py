"""Mapper of price lists: from a combination of parties to the rows of its list, as docs/sync.md says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.sparklayer.price_list_records import ListInfo, list_body
from reconciler.sparklayer.records import Tier
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.prices import Pricing, pricing_of, with_markups
from reconciler.sync.mapping.values import text_or_none, whole
from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import Assigned
from reconciler.sync.party_prices.model import Part, PartyList, Ware
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.problem import RecordProblem
from reconciler.words import some

_MOST_NAME = 64
_KEPT = "What the list has of it stays as it is."


class ListDraft(Struct, frozen=True):
    """What the target should hold of a price list.

    Args:
        key: of the record.
        slug: of the list.
        body: of the list.
        rows: tiers by product and SKU.
        kept: products whose rows stay what they are, as something is wrong with their prices.
        problems: of the record.
        due: when it changes by itself because a sale begins or ends; None: never.
    """

    key: str
    slug: str
    body: Wire
    rows: Mapping[str, Mapping[str, tuple[Tier, ...]]]
    kept: frozenset[str]
    problems: tuple[RecordProblem, ...]
    due: datetime | None = None


def draft(record: PartyList, settings: PartyPriceSettings, now: datetime, default: ListInfo) -> ListDraft:
    """Map a combination of parties to its price list. Never raises on a record.

    Args:
        record: the combination, and what is for sale.
        settings: of the DataSync.
        now: the source's clock.
        default: the default price list.
    """
    combination = record.combination
    info = replace(default, currency=combination.currency or default.currency)
    by_rule = not settings.by_rows and info.currency == default.currency
    prices = _Prices(record, now, info.currency, by_rule=by_rule)
    prices.go_through()
    slug = combination.slug
    return ListDraft(
        key=record.key,
        slug=slug,
        body=list_body(slug, _name(record), info, settings.price_list if by_rule else None),
        rows=prices.rows,
        kept=frozenset(prices.kept),
        problems=tuple(prices.faults.problems(record.key)),
        due=prices.due,
    )


class _Faults(Struct):
    """What is wrong with the prices of products, by code: a list tells each code once, whatever products have it."""

    by_code: dict[str, dict[str, str]] = {}

    def add(self, code: str, product: str, message: str) -> None:
        self.by_code.setdefault(code, {}).setdefault(product, message)

    def problems(self, key: str) -> Iterator[RecordProblem]:
        for code, found in sorted(self.by_code.items()):
            (product, message), *others = found.items()
            more = f" The same is so of {len(others):,} more: {some([each for each, _ in others])}." if others else ""
            yield RecordProblem(key, Part.ROWS, code, f"{product}: {message}{more}")


class _Prices:
    """Goes through the products of a list, and collects their rows.

    Args:
        record: the combination, and what is for sale.
        now: the source's clock.
        currency: of the list.
        by_rule: whether the list has the default list's prices where it has no rows.
    """

    def __init__(self, record: PartyList, now: datetime, currency: str, *, by_rule: bool) -> None:
        self._combination, self._shelf = record.combination, record.shelf
        self._now, self._currency, self._by_rule = now, currency, by_rule
        self.rows: dict[str, dict[str, tuple[Tier, ...]]] = {}
        # By rule, what parties have no schedule for is not on the list.
        needed = self._shelf.assigned.products(self._combination)
        self.kept = set(self._shelf.unread & needed if by_rule else self._shelf.unread)
        self.faults = _Faults()
        self.due: datetime | None = None
        self._owners: dict[str, str] = {}

    def go_through(self) -> None:
        """Price every product that has to be on the list."""
        shelf, assigned = self._shelf, self._shelf.assigned
        products = assigned.products(self._combination) & shelf.wares.keys() if self._by_rule else shelf.wares.keys()
        for product in sorted(products):
            ware = shelf.wares[product]
            try:
                pricing = self._pricing(ware, assigned.assigned(self._combination, product))
                if pricing is not None:
                    self._take(ware, pricing)
            except Unfit as fault:
                self._hold(fault.code, product, fault.message)

    def _pricing(self, ware: Ware, assigned: Assigned | None) -> Pricing | None:
        """What a product costs; None: it has no price."""
        if assigned is None:
            return self._default(ware)
        name = assigned.schedule
        if name is None:
            raise Unfit(ware.product, "ambiguous-price", _ambiguous(assigned))
        schedule = self._shelf.schedules.get(name)
        if schedule is None:
            raise Unfit(ware.product, "no-price-schedule", f"the price schedule {name} cannot be read. Look it up.")
        if (lost := _lost(schedule, ware.default)) is not None:
            self.faults.add("quantity-rule-lost", ware.product, f"the price schedule {name} has {lost}")
        pricing = self._of_schedule(ware, name, schedule)
        if not pricing.tiers and self._by_rule and ware.default.get("PriceBreaks"):
            words = (
                f"the price schedule {name} has no price breaks, so OrderCloud shows no price, and a list that is made "
                "by rule has the default price. Add price breaks, or set pricing.partyPrices to rows."
            )
            raise Unfit(ware.product, "no-price-breaks", words)
        return pricing

    def _of_schedule(self, ware: Ware, name: str, schedule: Mapping[str, Any]) -> Pricing:
        try:
            return pricing_of(ware.product, name, schedule, self._now, self._currency)
        except Unfit as fault:
            if fault.code != "other-currency":
                raise
            words = (
                f"the price schedule {name} is not in {self._currency}, the currency of the list. Assign one that is."
            )
            raise Unfit(ware.product, fault.code, words) from None

    def _default(self, ware: Ware) -> Pricing | None:
        try:
            return pricing_of(ware.product, ware.default_id, ware.default, self._now, self._currency)
        except Unfit as fault:
            # The product itself tells what is wrong; that a default price is in another currency is no mistake.
            if fault.code != "other-currency":
                self.kept.add(ware.product)
            return None

    def _take(self, ware: Ware, pricing: Pricing) -> None:
        if pricing.due is not None:
            self.due = min(pricing.due, self.due or pricing.due)
        if not pricing.tiers:
            return
        rows = {item.sku: with_markups(pricing, item.variant) for item in ware.items}
        for sku in rows:
            owner = self._owners.setdefault(sku, ware.product)
            if owner != ware.product:
                self.kept.add(owner)
                self.rows.pop(owner, None)
                words = f"its SKU {sku} is that of {owner} as well. Give one of them another SKU."
                self._hold("duplicate-sku", ware.product, words)
        if ware.product not in self.kept:
            self.rows[ware.product] = rows

    def _hold(self, code: str, product: str, message: str) -> None:
        self.kept.add(product)
        self.faults.add(code, product, f"{message} {_KEPT}")


def _ambiguous(assigned: Assigned) -> str:
    found = " and ".join(f"{schedule} of {party}" for party, schedule in assigned.schedules[:4])
    return f"several price schedules of a {assigned.level} count, {found}, and {assigned.why}. Leave one of them."


def _lost(schedule: Mapping[str, Any], default: Mapping[str, Any]) -> str | None:
    """The rules on quantities that a schedule has otherwise than the default one; None: none."""
    rules = [
        _limit("a least quantity of {}", "MinQuantity", schedule, default, 1),
        _limit("a greatest quantity of {}", "MaxQuantity", schedule, default, None),
    ]
    if bool(schedule.get("RestrictedQuantity")) is not bool(default.get("RestrictedQuantity")):
        rules.append("only the quantities of its breaks" if schedule.get("RestrictedQuantity") else "any quantity")
    words = [rule for rule in rules if rule is not None]
    if not words:
        return None
    return f"{' and '.join(words)}, unlike the default one, and a price list has no place for that."


def _limit(
    words: str, member: str, schedule: Mapping[str, Any], default: Mapping[str, Any], none: int | None
) -> str | None:
    own, other = (_quantity(each.get(member)) or none for each in (schedule, default))
    return None if own == other else words.format("none" if own is None else own)


def _quantity(value: Any) -> int | None:
    found = whole(value)
    return found if found is not None and found >= 1 else None


def _name(record: PartyList) -> str:
    """Name of a list, for merchants: the buyer's, and what else tells it from the buyer's other lists."""
    combination: Combination = record.combination
    buyer = text_or_none(record.buyer_name) or combination.buyer
    rest = "".join(_rest(combination.groups, combination.currency))
    name = buyer + rest
    if len(name) <= _MOST_NAME:
        return name
    if len(rest) < _MOST_NAME // 2:
        return buyer[: _MOST_NAME - len(rest) - 1] + "…" + rest
    return name[: _MOST_NAME - 1] + "…"


def _rest(groups: Iterable[str], currency: str | None) -> Iterator[str]:
    if groups := list(groups):
        yield f": {', '.join(groups)}"
    if currency is not None:
        yield f" ({currency})"
