"""Price schedules of parties: which one OrderCloud takes for a user and a product, and on what evidence. Pure.

The rule, and where OrderCloud publishes it (guides of ordercloud-api/oc-documentation):

1. documented (product-visibility): the schedule that a product assignment names comes before the product's
   `DefaultPriceScheduleID`; an assignment that names none is about visibility alone.
2. documented (locale-how-to-globalize-your-ecommerce): of those that are assigned, the most specific counts: one of a
   user group comes before one of the buyer.
3. Not published: which of several groups comes first. Nor is the order of several schedules of one party, which may
   belong to different sellers (products-pricing-ordering-in-marketplaces: then it depends on whom the order goes to).
   Both are ambiguous, and nothing is guessed.
4. documented (globalization-multicurrency-multilanguage): a user sees prices in the currency of its `Locale`.

inferred: that a group whose assignment names no schedule leaves the product to the buyer's; that a single schedule of a
party counts whoever sells it; that a user without a Locale sees prices in the store's currency, named or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct

from reconciler.sync.mapping.values import mapping, text_or_none
from reconciler.sync.parties.combination import Combination

Party: TypeAlias = tuple[str, str | None]
"""ID of a buyer, and of one of its user groups; None: the buyer itself."""


class Level(StrEnum):
    """Where the price schedule of a user comes from, the most specific first."""

    GROUP = "user group"
    BUYER = "buyer"


EVIDENCE: Mapping[Level, str] = {
    Level.GROUP: "the schedule of a user group comes before the buyer's and the default (documented)",
    Level.BUYER: "the schedule of the buyer comes before the default (documented)",
}
"""Why the schedules of a level count, for people."""
UNPUBLISHED = "OrderCloud publishes no rule which of them counts"


class Assigned(Struct, frozen=True):
    """Price schedules that a product has for a combination of parties.

    Args:
        level: where they stand.
        schedules: their IDs by the party that has them, both sorted.
    """

    level: Level
    schedules: tuple[tuple[str, str], ...]

    @property
    def schedule(self) -> str | None:
        """ID of the schedule that counts; None: there are several, and no rule says which."""
        found = {schedule for _, schedule in self.schedules}
        return found.pop() if len(found) == 1 else None

    @property
    def why(self) -> str:
        """The evidence, for people."""
        return EVIDENCE[self.level] if self.schedule is not None else UNPUBLISHED


class PartySchedules(Struct, frozen=True):
    """Price schedules by party and product, as product assignments have them.

    Args:
        by_party: of each party that has any: its schedules by product.
    """

    by_party: Mapping[Party, Mapping[str, frozenset[str]]] = {}

    @classmethod
    def of(cls, assignments: Iterable[Mapping[str, Any]]) -> PartySchedules:
        """Return the schedules that product assignments name; one that names none is passed over.

        Args:
            assignments: as `GET /v1/products/assignments` has them.
        """
        found: dict[Party, dict[str, frozenset[str]]] = {}
        for item in assignments:
            product, buyer = text_or_none(item.get("ProductID")), text_or_none(item.get("BuyerID"))
            schedule = text_or_none(item.get("PriceScheduleID"))
            if product is None or buyer is None or schedule is None:
                continue
            products = found.setdefault((buyer, text_or_none(item.get("UserGroupID"))), {})
            products[product] = products.get(product, frozenset()) | {schedule}
        return cls(found)

    def combination(self, buyer: str, groups: Iterable[str], currency: str | None) -> Combination | None:
        """Return the combination whose price list a user needs; None: it has no prices of its own.

        Args:
            buyer: ID of the user's buyer.
            groups: IDs of all the user's groups, in any order; those without prices do not count.
            currency: of the user: `currency_of`.
        """
        priced = tuple(sorted({group for group in groups if self.by_party.get((buyer, group))}))
        if not priced and not self.by_party.get((buyer, None)):
            return None
        return Combination(buyer, priced, currency)

    def products(self, combination: Combination) -> frozenset[str]:
        """Return the IDs of the products that have a schedule for a combination."""
        return frozenset(product for party in _parties(combination) for product in self.by_party.get(party, ()))

    def assigned(self, combination: Combination, product: str) -> Assigned | None:
        """Return the schedules that OrderCloud has for users of a combination; None: the product's default counts.

        Args:
            combination: of parties.
            product: ID of the product.
        """
        for level, groups in ((Level.GROUP, combination.groups), (Level.BUYER, (None,))):
            found = sorted(
                (group or combination.buyer, schedule)
                for group in groups
                for schedule in self.by_party.get((combination.buyer, group), {}).get(product, ())
            )
            if found:
                return Assigned(level, tuple(found))
        return None


def currency_of(user: Mapping[str, Any]) -> str | None:
    """Return the currency of a user's prices: its Locale's; None: it has none, and that of the default list counts."""
    currency = text_or_none(mapping(user.get("Locale")).get("Currency"))
    return None if currency is None else currency.upper()


def _parties(combination: Combination) -> Iterable[Party]:
    yield combination.buyer, None
    for group in combination.groups:
        yield combination.buyer, group
