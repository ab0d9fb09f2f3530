"""What the tests of this room share: each that sends something does so over both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.http.network import ENGINE_VARIABLE


@pytest.fixture(scope="module", params=["aiohttp", "httpx"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Name the engine for direct connections in the environment, once each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENGINE_VARIABLE, request.param)
        yield request.param
