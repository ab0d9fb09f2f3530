"""Values of clearing an old list: what there is to clear, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Clearing(Struct, frozen=True):
    """What there is to clear.

    Args:
        price_list: slug of the list.
        skus: how many have prices there.
        products: how many they belong to.
        override: why the limit is passed; None: it is not reached.
    """

    price_list: str
    skus: int
    products: int
    override: str | None = None


class Cleared(Struct, frozen=True):
    """What became of it.

    Args:
        skus: how many lost their prices.
        refused: SKU to the target's words, where it did not take that.
        no_list: there was no such list any more, and no prices with it.
    """

    skus: int
    refused: Mapping[str, str]
    no_list: bool = False


class ClearingReport(Struct, frozen=True):
    """What was found and done.

    Args:
        environment: where.
        sync: name of the data sync.
        found: what there is to clear.
        done: what became of it; None: nothing was removed.
    """

    environment: str
    sync: str
    found: Clearing
    done: Cleared | None = None
