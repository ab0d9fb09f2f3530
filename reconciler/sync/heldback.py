"""Share of the records that problems hold back, judged by what the manifest allows, and the way to mend most. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.model import CodeCount
from reconciler.sync.datatype import AnyDataType

AT_LEAST = 3
"""So many records have to be held back before their share says something."""


class HeldBack(Struct, frozen=True):
    """Records that problems hold back as a whole.

    Args:
        records: how many.
        of: how many are in scope.
        allowed_percent: `maxHeldBackPercent` of the manifest.
        remedy: what to do, for people, where one expression would let most of them through.
    """

    records: int = 0
    of: int = 0
    allowed_percent: float = 0
    remedy: str | None = None

    @property
    def percent(self) -> float:
        """Their share."""
        return 100 * self.records / self.of if self.of else 0.0

    @property
    def percent_words(self) -> str:
        """Their share without places, but never 0 or 100 where it is neither."""
        return "100" if self.is_all else f"{min(max(round(self.percent), 1), 99)}"

    @property
    def is_all(self) -> bool:
        """Whether nothing goes through."""
        return 0 < self.of <= self.records

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than the manifest allows. A few records of a small shop say nothing, unless 0 % is."""
        enough = self.records >= AT_LEAST or (self.records > 0 and not self.allowed_percent)
        return enough and self.percent > self.allowed_percent

    @property
    def words(self) -> str:
        """Return `nothing goes through: all 9 records are held back`, or `12 % held back: 6 of 50 records`."""
        if self.is_all:
            return f"nothing goes through: {self.records:,} of {self.of:,} records are held back by problems"
        return f"{self.percent_words} % held back by problems: {self.records:,} of {self.of:,} records"

    @property
    def excess(self) -> str | None:
        """Return what is wrong and how to mend it, for people; None where no more is held back than allowed."""
        if not self.is_too_much:
            return None
        words = f"{self.words[0].upper()}{self.words[1:]}, and {self.allowed_percent:g} % may be"
        return f"{words}. {self.remedy}" if self.remedy else words


def held_back(data: AnyDataType, allowed_percent: float, records: int, of: int, codes: Iterable[CodeCount]) -> HeldBack:
    """Return what problems hold back.

    Args:
        data: what flows; it knows what would mend a problem.
        allowed_percent: of the manifest.
        records: how many are held back.
        of: how many are in scope.
        codes: open problems by code.
    """
    found = HeldBack(records, of, allowed_percent)
    # One record without a SKU among many is a mistake to be mended, and no reason to map all of them otherwise.
    if not found.is_too_much and not found.is_all:
        return found
    return replace(found, remedy=_remedy(data, records, codes))


def _remedy(data: AnyDataType, records: int, codes: Iterable[CodeCount]) -> str | None:
    for code in sorted(codes, key=lambda code: code.held_back, reverse=True):
        if 2 * code.held_back > records and (remedy := data.remedy(code.code, code.held)) is not None:
            return remedy
    return None
