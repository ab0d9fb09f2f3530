"""A shop whose Environment names what a service does."""

from __future__ import annotations

import pytest

from support.checkout import Checkout
from support.syncing import Shop


@pytest.fixture
def checkout(tmp_path, emulator):
    return Checkout(tmp_path, emulator)


@pytest.fixture
def shop(checkout):
    return Shop(checkout)
