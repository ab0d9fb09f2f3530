"""A lane sends what is pushed at any moment, also just as its last worker ends."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest

from reconciler.emulator.ordercloud.deliveries.lane import Job, Lane, Outlet
from reconciler.emulator.ordercloud.deliveries.log import Delivery, DeliverySetting
from reconciler.emulator.ordercloud.deliveries.post import HttpSender
from reconciler.emulator.ordercloud.deliveries.records import Record
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing
from reconciler.emulator.switches import Switches

CONFIG: dict[str, Any] = {"DeliveryTargets": {"Http": {"Endpoint": "http://127.0.0.1/x"}}}


def begin(config_id: str, target: str, message_type: str, job: Job) -> Delivery:
    assert job.record is not None
    return Delivery("sync", config_id, target, message_type, {"ID": job.record.key})


def compose(job: Job) -> Outgoing:
    assert job.record is not None
    return Outgoing.of("t", {"ID": job.record.key}, job.record.key)


def outlet(at_once: int, sender: HttpSender) -> Outlet:
    setting = DeliverySetting(at_once=at_once)
    senders = {"Http": sender}
    return Outlet(
        lambda: setting, Switches, senders, lambda _id: CONFIG, compose, lambda *_: None, begin, lambda *_: None
    )


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_message_is_left_behind_whenever_it_is_pushed(at_once: int) -> None:
    sent: list[int] = []
    under_way: set[str] = set()

    class Sender(HttpSender):
        async def send(self, target: Any, message: Outgoing, setting: Any, switches: Any) -> int:
            assert message.key not in under_way, "two of one record at once"
            under_way.add(message.key)
            await asyncio.sleep(0)
            under_way.discard(message.key)
            sent.append(1)
            return 200

    async def run() -> None:
        lane = Lane("hook", outlet(at_once, Sender()), asyncio.get_running_loop())
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
