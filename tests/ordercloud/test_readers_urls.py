"""However many and long the IDs are, no request of a reader is longer than the API takes."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.emulator.testing import running_emulator
from reconciler.ordercloud.readers.pages import Listing, by_ids
from support.readers_helpers import connected

BUYER = "b" * 100


@pytest.mark.parametrize("length", [7, 14, 15, 99, 100])
def test_reading_by_many_ids_keeps_to_the_longest_url(length: int) -> None:
    ids = [f"u{number:0{length - 1}}" for number in range(300)]

    async def read() -> list[str]:
        async with connected(emulator) as reader:
            users = Listing(reader, f"buyers/{BUYER}/users", {})
            return [str(user["ID"]) for user in await by_ids(users, ids)]

    with running_emulator() as emulator:
        emulator.seed_with({"Objects": {"Buyers": [{"ID": BUYER, "Name": "B", "Active": True}]}})
        assert asyncio.run(read()) == []
        asked = [entry for entry in emulator.requests() if entry["path"].lower().endswith("/users")]
    assert len(asked) >= 3
    assert {entry["status"] for entry in asked} == {200}
