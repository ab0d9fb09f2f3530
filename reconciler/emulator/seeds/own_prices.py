"""Prices of their own of a generated marketplace's business customers, some with a flaw of real life."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.seeds.goods import Goods, product_id
from reconciler.emulator.seeds.parties import Company
from reconciler.emulator.seeds.seed import FlawLog, Row
from reconciler.emulator.seeds.words import Dice

PRICE_FLAWS = (
    *("ambiguous-price", "price-schedule-is-gone", "foreign-price", "price-without-currency", "party-quantities"),
    "party-price-without-prices",
)
# Of the first 40 every fourth, then one in 50.
_EARLY, _EARLY_FLAW, _FLAW = 40, 4, 50


class OwnPrices:
    """Price schedules that are assigned to a buyer, or to one of its groups.

    Args:
        count: how many.
        seed_number: of the marketplace.
        companies: the buyers, the shop's own customers first.
        goods: what there is to buy, all of its rows made.
    """

    def __init__(self, count: int, seed_number: int, companies: Sequence[Company], goods: Goods) -> None:
        self._count = count
        self._dice = Dice(seed_number, "own prices")
        self._companies = companies[1:]
        self._goods = goods
        self._flaws = 0

    def rows(self, flaws: FlawLog) -> Iterator[Row]:
        """Yield schedules and their assignments; no product has two for the same party."""
        if not self._goods.count or not self._companies:
            return
        taken: set[tuple[str, str]] = set()
        for number in range(self._count):
            company = self._dice.pick(self._companies)
            product = int(self._dice.roll() * self._goods.count)
            if (company.id, product_id(product)) in taken:
                continue
            taken.add((company.id, product_id(product)))
            flaw = ""
            if number % (_EARLY_FLAW if number < _EARLY else _FLAW) == _EARLY_FLAW - 1:
                flaw = PRICE_FLAWS[self._flaws % len(PRICE_FLAWS)]
            if flaw == "ambiguous-price" and not company.in_several_groups:
                flaw = ""
            if flaw:
                self._flaws += 1
                flaws.note(flaw, f"{product_id(product)}/{company.id}")
            yield from self._own_price(number, company, product, flaw)

    def _own_price(self, number: int, company: Company, product: int, flaw: str) -> Iterator[Row]:
        dice = self._dice
        key = f"own-{number:06d}"
        assigned = {"ProductID": product_id(product), "BuyerID": company.id}
        to_group = dice.roll() < 0.4
        if flaw == "ambiguous-price":
            for place, group in enumerate(company.groups):
                yield "PriceSchedule", (), self._schedule(f"{key}-{place}", product, 0.9 - place / 50, flaw)
                yield "ProductAssignment", (), {**assigned, "UserGroupID": group, "PriceScheduleID": f"{key}-{place}"}
            return
        if flaw != "price-schedule-is-gone":
            yield "PriceSchedule", (), self._schedule(key, product, dice.pick((0.95, 0.9, 0.85, 0.7, 1.1)), flaw)
        if to_group and company.groups:
            assigned["UserGroupID"] = dice.pick(company.groups)
        yield "ProductAssignment", (), {**assigned, "PriceScheduleID": key}

    def _schedule(self, key: str, product: int, factor: float, flaw: str) -> JsonObject:
        price = round(self._goods.prices[product] * factor, 2)
        breaks = [{"Quantity": 1, "Price": price}]
        if self._dice.roll() < 0.3:
            breaks.append({"Quantity": 20, "Price": round(price * 0.9, 2)})
        body: JsonObject = {"ID": key, "Name": f"Own price {key}", "MinQuantity": 1, "Currency": "GBP"}
        match flaw:
            case "foreign-price":
                body["Currency"] = "EUR"
            case "price-without-currency":
                del body["Currency"]
            case "party-quantities":
                body |= {"MinQuantity": 6, "MaxQuantity": 600}
            case "party-price-without-prices":
                breaks = []
        return {**body, "PriceBreaks": breaks}
