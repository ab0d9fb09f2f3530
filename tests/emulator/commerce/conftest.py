from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator
from support.emulator_contract import Contract
from support.shop import Shop, build


@pytest.fixture
def shop(emulator: RunningEmulator, token: str, contract: Contract) -> Iterator[Shop]:
    """A client for the marketplace, every read held against the OpenAPI file."""

    def check(response: httpx.Response) -> None:
        if response.request.method == "GET" and contract.knows(response.request.url.path, "get"):
            contract.check(response)

    with httpx.Client(
        base_url=emulator.ordercloud_url,
        headers={"Authorization": f"Bearer {token}"},
        event_hooks={"response": [check]},
        trust_env=False,
    ) as client:
        yield Shop(client)


@pytest.fixture(scope="session")
def _kept() -> dict[str, Any]:
    return {}


@pytest.fixture
def stocked(emulator: RunningEmulator, shop: Shop, _kept: dict[str, Any]) -> Shop:
    """A small marketplace with one of everything; built over HTTP once, then loaded."""
    if _kept:
        state = emulator.state(secrets=True)
        state["ordercloud"]["commerce"] = _kept
        emulator.load(state)
    else:
        build(shop)
        _kept.update(emulator.state(secrets=True)["ordercloud"]["commerce"])
    return shop
