"""The state that the target should have of a product, as the engine takes it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from reconciler.sync.datatype import Name, TargetState
from reconciler.sync.products.fingerprint import fingerprints
from reconciler.sync.products.model import Held, Part, Wanted, held_to_json
from reconciler.sync.products.resolve import removals


class ProductState(TargetState, frozen=True, kw_only=True):
    """State that the target should have of a product.

    Args:
        wanted: what it should hold.
        before: what it holds.
    """

    wanted: Wanted
    before: Held

    def held(self, *, whole: bool) -> Mapping[str, Any]:
        return held_to_json(self.wanted.held if whole else _either(self.before, self.wanted.held))


def state_of(
    wanted: Wanted, before: Held, keeps: Collection[Name] | None, *, held_back: bool, moved: bool = False
) -> ProductState:
    """Return the state of a product.

    Args:
        wanted: what the target should hold.
        before: what it holds.
        keeps: the names that it needs once it is written; None: those that it asked for.
        held_back: nothing of it can go through.
        moved: its prices go to another list than those that were written.
    """
    gone = removals(before, wanted)
    return ProductState(
        key=wanted.key,
        prints={part.value: value for part, value in fingerprints(wanted).items()},
        removes=frozenset(part.value for part, skus in ((Part.STOCK, gone.stock), (Part.PRICES, gone.prices)) if skus),
        problems=wanted.problems,
        due=wanted.due,
        gone=wanted.held.discontinued,
        held_back=held_back,
        keeps=keeps,
        moved=frozenset({Part.PRICES.value}) if moved else frozenset(),
        wanted=wanted,
        before=before,
    )


def _either(before: Held, after: Held) -> Held:
    """What the target may hold where only some of it was written."""
    skus = {
        sku: tuple(sorted({*before.skus.get(sku, ()), *after.skus.get(sku, ())})) for sku in {*before.skus, *after.skus}
    }
    return Held(
        before.variants | after.variants,
        skus,
        before.priced | after.priced,
        before.slug or after.slug,
        after.discontinued,
        after.left_stock,
        after.left_prices,
        (before.former | after.former).difference(skus, before.priced, after.priced),
        after.price_list or before.price_list,
        after.old_prices,
    )
