"""A shop whose Environment names what a service does."""

from __future__ import annotations

import os

import pytest

from support import postgres
from support.checkout import Checkout
from support.syncing import Shop


@pytest.fixture
def checkout(tmp_path, emulator):
    """An empty checkout; RECONCILER_TEST_LEDGER=postgres: with its ledger there."""
    if os.environ.get("RECONCILER_TEST_LEDGER") != "postgres":
        yield Checkout(tmp_path, emulator)
        return
    url = postgres.new_ledger()
    yield Checkout(tmp_path, emulator, server_ledger=url)
    postgres.drop(url)


@pytest.fixture
def shop(checkout):
    return Shop(checkout)
