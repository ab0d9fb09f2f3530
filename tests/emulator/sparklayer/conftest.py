from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator
from support.sparklayer_contract import SparkLayerContract

Ask = Callable[..., httpx.Response]


def ask_for_token(emulator: RunningEmulator, site: str = "demo", secret: str = "emulator", **body: Any):
    asked = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": secret, **body}
    url = f"{emulator.sparklayer_url}/api/auth/token"
    return httpx.post(url, json=asked, headers={"Site-Id": site}, trust_env=False)


def client_of(emulator: RunningEmulator, site: str = "demo", **settings: Any) -> httpx.Client:
    token = ask_for_token(emulator, site).json()["access_token"]
    headers = {"Site-Id": site, "Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{emulator.sparklayer_url}/api", headers=headers, trust_env=False, **settings)


@pytest.fixture(scope="session")
def spark_contract() -> SparkLayerContract:
    return SparkLayerContract()


@pytest.fixture
def ask() -> Ask:
    return ask_for_token


@pytest.fixture
def open_site() -> Callable[..., httpx.Client]:
    return client_of


@pytest.fixture
def spark(emulator: RunningEmulator, spark_contract: SparkLayerContract) -> Iterator[httpx.Client]:
    """A client whose every answer is held against the OpenAPI file."""
    with client_of(emulator, event_hooks={"response": [spark_contract.check]}) as client:
        yield client


@pytest.fixture
def plain_spark(emulator: RunningEmulator) -> Iterator[httpx.Client]:
    """A client for answers that are not in the OpenAPI file on purpose."""
    with client_of(emulator) as client:
        yield client
