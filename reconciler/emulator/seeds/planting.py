"""Seeding of a marketplace: at the start, at every reset, and on request; and what was seeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.bodies import json_object, validated
from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.routing import Handler
from reconciler.emulator.seeds.files import PARTS, seed_of
from reconciler.emulator.seeds.generate import PRODUCTS_LIMIT, Sizes, generated
from reconciler.emulator.seeds.seed import CART, FlawLog, Row, Seed
from reconciler.emulator.wire import Answer, Request, json_answer

PARTIES_LIMIT = 1_000_000


class GeneratedSetting(BaseModel):
    """Body of `PUT /_emulator/seed` for a generated marketplace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: int = Field(ge=0, le=PRODUCTS_LIMIT)
    seedNumber: int = 0  # noqa: N815 (a name of the JSON)
    buyers: int | None = Field(default=None, ge=0, le=PARTIES_LIMIT, description="Business customers.")
    users: int | None = Field(default=None, ge=0, le=PARTIES_LIMIT, description="Users of these, in all.")
    ownPrices: int | None = Field(default=None, ge=0, le=PARTIES_LIMIT)  # noqa: N815
    orders: int | None = Field(default=None, ge=0, le=PARTIES_LIMIT)


class Seeding:
    """Seeding of a marketplace.

    `carts` are the IDs of the carts at SparkLayer that its orders came from; `on_carts` is called when they are others.

    Args:
        market: the marketplace.
        seed: what it starts with, and goes back to.
    """

    def __init__(self, market: Marketplace, seed: Seed) -> None:
        self.carts: list[str] = []
        self.on_carts: Callable[[], None] = lambda: None
        self._market = market
        self._at_start = seed
        self._report: dict[str, Any] = {}
        self._versions: Counter[str] | None = None
        self.reset()

    def reset(self) -> None:
        """Reset to the marketplace at the start; nothing is loaded anew where nothing was written since."""
        if self._versions is not None and self._versions == self._market.store.versions:
            self._market.store.search.clear()
            return
        self._plant(self._at_start)
        self._versions = Counter(self._market.store.versions)

    @property
    def report(self) -> dict[str, Any]:
        """Return what the marketplace was seeded with: objects by kind, flaws with their IDs, sections left out."""
        return self._report

    def replaced(self) -> None:
        """Note that the marketplace now comes from a dump."""
        self.carts = []
        self._versions = None
        self._report = {"source": "state"}

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Return the endpoints of the control API for seeds."""
        return (("GET", "/_emulator/seed", self._show), ("PUT", "/_emulator/seed", self._replace))

    def _show(self, _request: Request) -> Answer:
        """Show what the marketplace was seeded with: objects by kind, flaws with their IDs, sections left out."""
        return json_answer(self._report)

    def _replace(self, request: Request) -> Answer:
        """Seed anew until the next reset: {"products", "seedNumber"}, or a marketplace with Objects."""
        if "yaml" in request.header(b"content-type") or not json_object(request).keys().isdisjoint(PARTS):
            seed = seed_of(request.body, "body")
        else:
            setting = validated(GeneratedSetting, json_object(request))
            sizes = Sizes(setting.buyers, setting.users, setting.ownPrices, setting.orders)
            seed = generated(setting.products, setting.seedNumber, sizes)
        self._versions = None
        self._plant(seed)
        return self._show(request)

    def _plant(self, seed: Seed) -> None:
        counts: Counter[str] = Counter()
        flaws = FlawLog()
        self.carts = []

        def counted() -> Iterator[Row]:
            for row in seed.rows(flaws):
                counts[row[0]] += 1
                if row[0] == CART:
                    self.carts.append(row[2]["ID"])
                else:
                    yield row

        self._market.reset()
        self._market.load(counted(), silent=True)
        self._report = {
            **seed.about,
            "objects": dict(sorted(counts.items())),
            "flaws": flaws.describe(),
            "skipped": dict(seed.skipped),
            "remarks": list(seed.remarks),
        }
        self.on_carts()
