"""Pytest fixtures of the emulator: one process per test run, reset before every test.

Installing reconciler does not register them: name the plugin in your root conftest.py:

    pytest_plugins = ["reconciler.emulator.pytest_plugin"]

or with `-p reconciler.emulator.pytest_plugin`. Then take the fixture `ordercloud_emulator`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

if TYPE_CHECKING:
    from reconciler.emulator.testing import RunningEmulator

_SEED_HELP = "what the emulator's marketplace starts with: a seed file, a shipped seed's name, or a number of products"
_MARKER = (
    "ordercloud_seed(seed=None, products=None, seed_number=0): what the marketplace of ordercloud_emulator holds in"
    " this test: a mapping in the seeding tool's format, or so many generated products"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--ordercloud-seed`, and the ini value `ordercloud_seed` for a project's default."""
    group = parser.getgroup("ordercloud", "OrderCloud emulator")
    group.addoption("--ordercloud-seed", metavar="SEED", default=None, help=_SEED_HELP)
    parser.addini("ordercloud_seed", _SEED_HELP, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def ordercloud_emulator_process(pytestconfig: pytest.Config) -> Iterator[RunningEmulator]:
    """Start an emulator in a process of its own on a free port, for the whole run. It keeps what tests leave behind."""
    try:
        from reconciler.emulator.testing import emulator_process
    except ModuleNotFoundError as error:
        from reconciler.errors import MissingExtra

        missing = MissingExtra("The emulator", "emulator")
        raise pytest.UsageError(f"{missing.message}. {missing.next_step}") from error
    with emulator_process(seed=_session_seed(pytestconfig)) as emulator:
        yield emulator


@pytest.fixture
def ordercloud_emulator(
    ordercloud_emulator_process: RunningEmulator, request: pytest.FixtureRequest
) -> RunningEmulator:
    """Reset the emulator to its start: its seed, real time, no faults, an empty request log."""
    emulator = ordercloud_emulator_process
    emulator.reset()
    marker = request.node.get_closest_marker("ordercloud_seed")
    if marker is not None:
        _plant(emulator, *marker.args, **marker.kwargs)
    return emulator


def _plant(emulator: RunningEmulator, seed: object = None, products: int | None = None, seed_number: int = 0) -> None:
    if (seed is None) == (products is None):
        raise pytest.UsageError("ordercloud_seed takes a marketplace or products=N")
    if seed is not None and not isinstance(seed, Mapping):
        raise pytest.UsageError("ordercloud_seed takes a marketplace as a mapping; names and files go to the settings")
    try:
        if seed is not None:
            emulator.seed_with(seed)
        elif products is not None:
            emulator.seed(products, seed_number)
    except HTTPError as error:
        raise pytest.UsageError(f"ordercloud_seed: {error.msg}") from error


def _session_seed(config: pytest.Config) -> str | int | None:
    """Return the seed of the command line, else of the ini file, whose relative paths count from its folder."""
    given: str | None = config.getoption("--ordercloud-seed")
    if given is None:
        given = config.getini("ordercloud_seed")
        beside = config.rootpath / given
        given = str(beside) if given and beside.is_file() else given
    if not given:
        return None
    return int(given) if given.isdigit() and not Path(given).exists() else given
