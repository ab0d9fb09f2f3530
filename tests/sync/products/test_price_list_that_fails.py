"""A price list that alone does not come through is given up and told; while SparkLayer is away the run waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from reconciler.errors import NotFound, ServerFault, UnexpectedAnswer, Unreachable
from reconciler.sparklayer.price_book import PriceBook
from reconciler.sync.products import target
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.target import ProductTarget
from reconciler.sync.run.breaker import Breaker, Outage

BROKEN = "GET pricing: the connection broke: it was closed too early"


class Site:
    """A site whose price list says what a test wants, and that answers other requests, or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, list_says: Callable[[int], Awaitable[PriceBook]]) -> None:
        self.list_says, self.is_there, self.bounds, self.seconds = list_says, True, list[int | None](), 0.0
        monkeypatch.setattr(target, "read_book", self._read)
        monkeypatch.setattr("reconciler.sync.run.breaker.asyncio.sleep", self._sleep)

    def whole(self, *, sample: bool = False, patience: float = 60) -> tuple[PriceBook | None, str]:
        async def run() -> PriceBook | None:
            return await products.whole(sample=sample)

        breaker = Breaker(patience, self._probe, lambda: self.seconds)
        products = ProductTarget(cast("Any", None), ProductSettings(price_list="list"), breaker)
        return asyncio.run(run()), " ".join(products.remarks)

    async def _read(self, _reader: Any, _list: str, largest: int | None) -> PriceBook:
        self.bounds.append(largest)
        return await self.list_says(len(self.bounds))

    async def _probe(self) -> None:
        if not self.is_there:
            raise ServerFault("HTTP 503")

    async def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def breaks(_number: int) -> PriceBook:
    raise Unreachable(BROKEN)


@pytest.mark.parametrize("patience", [5, 900])
def test_a_list_whose_connection_always_breaks_is_given_up_soon(
    monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    site = Site(monkeypatch, breaks)
    assert site.whole(patience=patience) == (
        None,
        f"{BROKEN}, so what the price list holds is not known: a verify writes all prices",
    )
    assert (len(site.bounds), site.seconds < 3) == (4, True)


def test_a_look_at_a_few_prices_tries_half_as_often_and_reads_no_long_list(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, breaks)
    found, told = site.whole(sample=True)
    assert (found, told) == (None, f"{BROKEN}, so this run did not look whether the prices that it knows are there")
    assert site.bounds == [32 * 1024 * 1024] * 2


def test_a_list_that_breaks_once_or_twice_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def third(number: int) -> PriceBook:
        return await breaks(number) if number < 3 else PriceBook()

    found, told = Site(monkeypatch, third).whole()
    assert (isinstance(found, PriceBook), told) == (True, "")


@pytest.mark.parametrize("sample", [False, True])
def test_while_nothing_else_goes_through_either_it_waits_and_then_it_is_an_outage(
    monkeypatch: pytest.MonkeyPatch, sample: bool
) -> None:
    site = Site(monkeypatch, breaks)
    site.is_there = False
    with pytest.raises(Outage):
        site.whole(sample=sample)
    assert site.seconds > 60


def test_an_outage_that_ends_costs_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    async def again(number: int) -> PriceBook:
        site.is_there = number >= 9
        return PriceBook() if site.is_there else await breaks(number)

    site = Site(monkeypatch, again)
    site.is_there = False
    found, told = site.whole(patience=900)
    assert (isinstance(found, PriceBook), told, len(site.bounds)) == (True, "", 9)


def test_a_list_that_is_too_large_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_number: int) -> PriceBook:
        error = UnexpectedAnswer("too large")
        error.is_too_large = True
        raise error

    site = Site(monkeypatch, endless)
    assert site.whole()[0] is None
    assert site.bounds == [None]


def test_a_look_at_a_few_prices_waits_for_no_list_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drips(_number: int) -> PriceBook:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(target, "_SAMPLE_SECONDS", 0.01)
    found, told = Site(monkeypatch, drips).whole(sample=True)
    assert (found, "list was not read within" in told) == (None, True)


def test_a_list_that_is_not_there_ends_the_run_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_number: int) -> PriceBook:
        raise NotFound("there is no such object")

    with pytest.raises(NotFound):
        Site(monkeypatch, none).whole()
