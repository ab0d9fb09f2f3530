"""Generator of marketplaces: plausible, as large as wanted, the same for the same numbers on every machine."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.emulator.seeds.goods import Goods
from reconciler.emulator.seeds.ordering import Orders
from reconciler.emulator.seeds.parties import Parties, fixed_rows
from reconciler.emulator.seeds.seed import FlawLog, Row, Seed

# That many take some seven minutes and four gigabytes; a number that is a slip would never end.
PRODUCTS_LIMIT = 1_000_000


def generated(products: int, seed_number: int = 0) -> Seed:
    """Return the seed of a generated marketplace.

    The same numbers give the same bytes; a larger marketplace of the same seed number starts with the same products.

    Args:
        products: how many products.
        seed_number: which of the many marketplaces of this size.
    """

    def rows(flaws: FlawLog) -> Iterator[Row]:
        yield from fixed_rows()
        parties = Parties(products, seed_number)
        yield from parties.rows(flaws)
        goods = Goods(products, seed_number, parties.companies)
        yield from goods.rows(flaws)
        yield from Orders(seed_number, parties.companies, goods).rows(flaws)

    return Seed({"source": "generated", "products": products, "seedNumber": seed_number}, rows)
