"""Price lists that lie about their pages: an error, after a bounded number of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from reconciler.errors import UnexpectedAnswer
from reconciler.sparklayer.lists import all_price_lists
from support.hostile import bounded


class Hostile:
    """An API that answers as it likes, and counts."""

    def __init__(self, total: Any, pages: Any, entries: Any = None) -> None:
        self.about = {"total": total, "total_pages": pages}
        self.entries = entries or (lambda number: [{"slug": "a"}] if number == 1 else [])
        self.requests = self.at_once = self.most_at_once = 0

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return {"data": self.entries((params or {})["page"]), "pagination": self.about}


def refused(reader: Hostile) -> str:
    with bounded(seconds=5, megabytes=50), pytest.raises(UnexpectedAnswer) as caught:
        asyncio.run(all_price_lists(reader))
    return caught.value.message


@pytest.mark.parametrize("pages", [5_000_000, 101, 2**62])
def test_more_pages_than_there_can_be_are_an_error_and_not_asked_for(pages: int) -> None:
    reader = Hostile(pages * 250, pages)
    assert "price lists end at 25,000" in refused(reader)
    assert reader.requests == 1


def test_pages_that_are_announced_and_not_there_end_at_the_first_empty_ones() -> None:
    reader = Hostile(25_000, 100)
    assert "says it holds 25000 entries and gave 1" in refused(reader)
    assert reader.requests <= 9
    assert reader.most_at_once <= 8


@pytest.mark.parametrize("size", [True, -1, 1.5, "1", None])
@pytest.mark.parametrize("member", ["total", "total_pages"])
def test_a_boolean_or_a_negative_is_no_size(size: Any, member: str) -> None:
    reader = Hostile(1, 1)
    reader.about[member] = size
    assert "is not a page" in refused(reader)


def test_a_page_of_more_than_was_asked_for_is_none() -> None:
    assert "more entries than were asked for" in refused(
        Hostile(251, 1, lambda _: [{"slug": str(n)} for n in range(251)])
    )


def test_as_many_as_there_can_be_are_read_a_few_pages_at_once() -> None:
    names = count()
    reader = Hostile(25_000, 100, lambda _: [{"slug": f"s{next(names)}"} for _ in range(250)])
    assert len(asyncio.run(all_price_lists(reader))) == 25_000
    assert reader.requests == 100
    assert reader.most_at_once == 8
