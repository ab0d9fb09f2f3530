"""Prices of a record on a list that prices do not go to any more, as the ledger knows them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.model import Level
from reconciler.sync.products.model import Held, Part, held_from_json, held_to_json
from reconciler.sync.products.settings import ProductSettings


class OldPrices(Struct, frozen=True):
    """Prices of one record on an old list.

    Args:
        held: what the target holds of the record.
        skus: those that have prices there.
        is_last: nothing was written to another list since: no fingerprint of the prices stands once they are gone.
        gone: the record is gone.
    """

    held: Held
    skus: frozenset[str]
    is_last: bool
    gone: bool

    def without(self, slug: str, kept: Collection[str]) -> tuple[Mapping[str, Any], frozenset[str]]:
        """Return what the target holds once they are removed, and the parts of which nothing is believed any more.

        Args:
            slug: of the list.
            kept: SKUs of which they could not be removed.
        """
        left = self.skus.intersection(kept)
        if self.is_last:
            held = replace(self.held, priced=left, left_prices=self.held.left_prices & left)
        else:
            old = {name: skus for name, skus in self.held.old_prices.items() if name != slug}
            held = replace(self.held, old_prices={**old, slug: left} if left else old)
        return held_to_json(held), frozenset({Part.PRICES.value} if self.is_last else ())


def old_prices(level: Level, settings: ProductSettings, slug: str) -> OldPrices:
    """Return the prices of a record on a list that prices do not go to.

    Args:
        level: of the record.
        settings: of the DataSync.
        slug: of the list.
    """
    held = held_from_json(level.held)
    is_last = held.price_list == slug and settings.price_list != slug
    skus = held.priced if is_last else held.old_prices.get(slug, frozenset())
    return OldPrices(held, skus, is_last, level.gone)
