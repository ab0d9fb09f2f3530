from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator
from support.emulator_contract import Contract


def log_in(
    emulator: RunningEmulator, client: str = "emulator", secret: str = "emulator", **form: str
) -> httpx.Response:
    data = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret, **form}
    return httpx.post(emulator.ordercloud_auth_url, data=data, trust_env=False)


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def token(emulator: RunningEmulator) -> str:
    return str(log_in(emulator).json()["access_token"])


def _client(emulator: RunningEmulator, token: str, *hooks: Callable[[httpx.Response], Any]) -> httpx.Client:
    return httpx.Client(
        base_url=f"{emulator.ordercloud_url}/integrations",
        headers={"Authorization": f"Bearer {token}"},
        event_hooks={"response": list(hooks)},
        trust_env=False,
    )


@pytest.fixture
def api(emulator: RunningEmulator, token: str, contract: Contract) -> Iterator[httpx.Client]:
    """A client whose every answer is held against the OpenAPI file."""
    with _client(emulator, token, contract.check) as client:
        yield client


@pytest.fixture
def plain(emulator: RunningEmulator, token: str) -> Iterator[httpx.Client]:
    """A client for answers that are not in the OpenAPI file on purpose."""
    with _client(emulator, token) as client:
        yield client


@pytest.fixture
def login() -> Callable[..., httpx.Response]:
    return log_in
