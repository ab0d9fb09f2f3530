"""Data types that run side by side and share a sync log send to it at one pace."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import suppress
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.sync.datatype import SyncLog
from reconciler.sync.party_prices.datatype import LOG as PARTY_PRICES
from reconciler.sync.run.breaker import Breaker
from reconciler.sync.run.log_pace import LEAST_SECONDS, LogPace
from reconciler.sync.run.synclog import Logbook
from support.engine import Site


class Leaping(selectors.DefaultSelector):
    """Waits for nothing: where a loop would wait, its clock is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += max(timeout or 0.0, 0.0)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop in which waiting takes no time, and work takes none of its clock."""

    def __init__(self) -> None:
        self._leaping = Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def test_turns_of_one_log_are_two_seconds_apart_and_other_logs_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    pace = LogPace(lambda: now[0])

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    async def turns(*logs: str) -> list[float]:
        came = []
        for log in logs:
            await pace.turn(log)
            came.append(now[0] - 100)
        return came

    monkeypatch.setattr("asyncio.sleep", sleep)
    assert asyncio.run(turns("a", "a", "b", "a")) == [0, 2, 2, 4]
    now[0] += 5
    pace.sent("b")
    assert asyncio.run(turns("a", "b")) == [9, 11]


class NewsEachTime:
    """A ledger in which each look finds another problem."""

    def __init__(self, name: str) -> None:
        self.name, self.number = name, 0

    async def to_log(self, _limit: int, _most: int) -> tuple[list[Any], list[str]]:
        self.number += 1
        key = f"{self.name}{self.number}"
        return [SimpleNamespace(external_id=key, message="It is bad.", url="https://source")], []

    async def logged(self, _errors: list[str], _resolved: list[str]) -> None:
        pass


class Timed(Site):
    """A site that notes when something is sent to its log."""

    def __init__(self) -> None:
        super().__init__(log={})
        self.sent: list[tuple[float, str]] = []

    async def patch(self, path: str, body: Any) -> None:
        self.sent.append((asyncio.get_running_loop().time(), body["errors"][0]["external_id"][0]))
        await super().patch(path, body)


def logbook(name: str, log: Any, site: Timed, pace: LogPace) -> Logbook:
    settings = SimpleNamespace(integration="ordercloud")
    job = SimpleNamespace(target=site, writer=site, settings=settings, pace=pace)
    ledger = SimpleNamespace(log=NewsEachTime(name))
    data = SimpleNamespace(name=name, log=log)
    context: Any = SimpleNamespace(ledger=ledger, job=job, data=data, target_breaker=Breaker(1.0), remarks=[])
    return Logbook(context)


def test_two_data_types_of_one_log_do_not_send_to_it_more_often_than_one() -> None:
    site = Timed()

    async def both() -> None:
        pace = LogPace(asyncio.get_running_loop().time)
        books = [logbook("p", PARTY_PRICES, site, pace), logbook("c", SyncLog(PARTY_PRICES.name), site, pace)]
        with suppress(TimeoutError):
            async with asyncio.timeout(100):
                await asyncio.gather(*(book.keep() for book in books))

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(both())
    times = [time for time, _ in site.sent]
    assert {name for _, name in site.sent} == {"p", "c"}
    assert len(times) >= 16
    assert all(later - earlier > LEAST_SECONDS - 1e-9 for earlier, later in pairwise(times))
