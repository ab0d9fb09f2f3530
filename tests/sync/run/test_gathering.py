"""A sink that writes in batches: they fill while a walk reads, and nothing waits for what does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from reconciler.errors import AnswerLost, ServerFault
from reconciler.sparklayer.records import StockLevel
from reconciler.sync.datatype import TargetState, Written
from reconciler.sync.mode import Mode
from reconciler.sync.products.model import Held, Wanted
from reconciler.sync.products.settings import product_settings
from reconciler.sync.products.sink import ProductSink
from reconciler.sync.products.state import ProductState, state_of
from reconciler.sync.run import company, pipeline
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.breaker import Breaker
from reconciler.sync.run.company import Company, Wait
from support.engine import Engine, Things, quick

SETTINGS = product_settings({"name": "shop", "stock": {"locations": {}, "default": "main"}})


class Gathered(Things):
    """Things that are written in batches of 50."""

    def gather(self, linger: Callable[[float], float] = lambda seconds: seconds) -> list[int]:
        batches: list[int] = []
        self.company = Company()

        async def send(keys: Sequence[str]) -> Mapping[str, None]:
            batches.append(len(keys))
            await self.breaker.repeat(lambda: asyncio.sleep(0), tries=3)
            return {}

        batcher: Batcher[str, None] = Batcher(send, most=50, company=self.company)

        async def write(state: TargetState, parts: Any, wait: Wait) -> Written:
            waits = linger(await wait())
            await batcher.add([state.key], waits)
            await self._send(state)
            return Written(frozenset(parts))

        self.write = write  # type: ignore[method-assign,assignment]
        return batches


@pytest.fixture
def gathered(engine: Engine) -> Gathered:
    things = Gathered({f"t{number:03}": "text" for number in range(120)})
    engine.things = things
    return things


def test_batches_of_a_walk_fill_though_few_records_are_in_hand(
    engine: Engine, gathered: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_IN_HAND", 3)
    batches = gathered.gather(lambda _seconds: 60)
    engine.run(Mode.FULL)
    assert batches == [50, 50, 20]
    assert len(gathered.site) == 120


def test_what_waits_is_bounded(engine: Engine, gathered: Gathered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the target is slower than all else, the walk waits for it and not the memory."""
    monkeypatch.setattr(pipeline, "_IN_HAND", 3)
    monkeypatch.setattr(pipeline, "_WAITING", 7)
    batches = gathered.gather(lambda _seconds: 0.001)
    engine.run(Mode.FULL)
    assert max(batches) <= 7
    assert len(gathered.site) == 120


def test_a_walk_lingers_longer_than_what_was_asked_for(engine: Engine, gathered: Gathered) -> None:
    lingers: list[float] = []

    def note(seconds: float) -> float:
        lingers.append(seconds)
        return 0.0

    gathered.gather(note)
    engine.run(Mode.FULL)
    assert set(lingers) == {company.PATIENT_LINGER}
    assert company.PATIENT_LINGER <= 5
    lingers.clear()
    gathered.there["t001"] = "other"
    engine.levels.want(["t001"])
    engine.run(Mode.INCREMENTAL)
    assert lingers == [company.LINGER]


class Site:
    """Takes stock, but for levels of SKUs for which it fails."""

    def __init__(self, *, poisoned: str = "", lost: int = 0) -> None:
        self.poisoned, self.lost = poisoned, lost
        self.stock: dict[str, int] = {}
        self.batches: list[int] = []

    async def post(self, path: str, rows: Any) -> None:
        assert path == "api/v1/batch-update-stock"
        self.batches.append(len(rows))
        if any(row["sku"] == self.poisoned for row in rows):
            raise ServerFault("HTTP 500", status=500)
        self.stock |= {row["sku"]: row["stock_level"] for row in rows}
        if self.lost:
            self.lost -= 1
            raise AnswerLost("no answer")

    async def get(self, path: str) -> list[Any]:
        return []


def product(number: int) -> ProductState:
    sku = f"s{number}"
    held = Held(skus={sku: ("main",)})
    return state_of(
        Wanted(f"p{number}", None, (StockLevel(sku, "main", number),), None, held=held), Held(), None, held_back=False
    )


def written(site: Any, number: int, monkeypatch: pytest.MonkeyPatch) -> list[Written | BaseException]:
    """What becomes of so many products that are written in one batch."""
    quick(monkeypatch)

    async def run() -> list[Written | BaseException]:
        breaker = Breaker(900, lambda: site.get("api/v1/stock-locations"))
        sink = ProductSink(site, SETTINGS, breaker, lambda: False)
        async with asyncio.timeout(60):
            return await asyncio.gather(
                *(sink.write(product(number), {"stock"}) for number in range(number)), return_exceptions=True
            )

    return asyncio.run(run())


def test_a_poisoned_record_fails_alone_and_not_those_that_share_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(poisoned="s13")
    found = written(site, 100, monkeypatch)
    assert site.batches[0] == 100
    assert [number for number, each in enumerate(found) if isinstance(each, BaseException)] == [13]
    assert isinstance(found[13], ServerFault)
    assert site.stock == {f"s{number}": number for number in range(100) if number != 13}


def test_a_batch_whose_answer_is_lost_is_sent_again_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(lost=1)
    found = written(site, 100, monkeypatch)
    assert site.batches == [100, 100]
    assert [each for each in found if not isinstance(each, Written) or each.refused] == []
