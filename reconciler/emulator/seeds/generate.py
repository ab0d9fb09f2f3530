"""Generator of marketplaces: plausible, as large as wanted, the same for the same numbers on every machine."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.emulator.seeds.goods import Goods
from reconciler.emulator.seeds.ordering import Orders
from reconciler.emulator.seeds.own_prices import OwnPrices
from reconciler.emulator.seeds.parties import Parties, fixed_rows
from reconciler.emulator.seeds.seed import FlawLog, Row, Seed

# That many take some seven minutes and four gigabytes; a number that is a slip would never end.
PRODUCTS_LIMIT = 1_000_000


class Sizes(Struct, frozen=True):
    """Numbers of a generated marketplace that do not follow from that of its products; None: they do.

    Args:
        buyers: business customers.
        users: of all of these together.
        own_prices: price schedules of a buyer or group, beside those that come with products.
        orders: in all.
    """

    buyers: int | None = None
    users: int | None = None
    own_prices: int | None = None
    orders: int | None = None


_OWN_SIZES = Sizes()


def generated(products: int, seed_number: int = 0, sizes: Sizes = _OWN_SIZES) -> Seed:
    """Return the seed of a generated marketplace.

    The same numbers give the same bytes; a larger marketplace of the same seed number starts with the same products.

    Args:
        products: how many products.
        seed_number: which of the many marketplaces of this size.
        sizes: what else there is of how many.
    """

    def rows(flaws: FlawLog) -> Iterator[Row]:
        yield from fixed_rows()
        parties = Parties(products, seed_number, sizes.buyers, sizes.users)
        yield from parties.rows(flaws)
        goods = Goods(products, seed_number, parties.companies)
        yield from goods.rows(flaws)
        own_prices = 40 + products // 20 if sizes.own_prices is None else sizes.own_prices
        yield from OwnPrices(own_prices, seed_number, parties.companies, goods).rows(flaws)
        yield from Orders(seed_number, parties.companies, goods, sizes.orders).rows(flaws)

    return Seed({"source": "generated", "products": products, "seedNumber": seed_number}, rows)
