"""A lane sends what is pushed at any moment, also just as its last worker ends."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest

from reconciler.emulator.ordercloud.deliveries import lane as lanes
from reconciler.emulator.ordercloud.deliveries.lane import Job, Lane, Outlet
from reconciler.emulator.ordercloud.deliveries.log import Delivery, DeliverySetting
from reconciler.emulator.ordercloud.deliveries.records import Record

CONFIG: dict[str, Any] = {"DeliveryTargets": {"Http": {"Endpoint": "http://127.0.0.1/x"}}}


def begin(config_id: str, target: str, message_type: str, job: Job) -> Delivery:
    assert job.record is not None
    return Delivery("sync", config_id, target, message_type, {"ID": job.record.key})


def compose(job: Job) -> tuple[str, dict[str, Any]]:
    assert job.record is not None
    return "t", {"ID": job.record.key}


def outlet(at_once: int) -> Outlet:
    setting = DeliverySetting(at_once=at_once)
    return Outlet(lambda: setting, lambda _id: CONFIG, compose, lambda *_: None, begin, lambda *_: None)


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_message_is_left_behind_whenever_it_is_pushed(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    sent: list[int] = []
    under_way: set[bytes] = set()

    async def post(_url: str, _headers: object, body: bytes, _seconds: float) -> int:
        assert body not in under_way, "two of one record at once"
        under_way.add(body)
        await asyncio.sleep(0)
        under_way.discard(body)
        sent.append(1)
        return 200

    monkeypatch.setattr(lanes, "post", post)

    async def run() -> None:
        lane = Lane("hook", outlet(at_once), asyncio.get_running_loop())
        count = 0
        # However many turns of the loop lie between two pushes.
        for turns, keys in product(range(8), ("ab", "aa", "aab")):
            for key in keys:
                lane.push(Job(Record("sync", "Product", (), key)))
                count += 1
                for _ in range(turns):
                    await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(sent) == count
        assert (lane.queued, lane.under_way) == (0, 0)

    asyncio.run(run())
