"""Secrets are hashed in threads, each once per process, while the network is awaited."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.ledger.config import secret_fingerprint
from reconciler.ledger.config.secret_fingerprint import slow_key
from reconciler.reconcile.hashing import hashed_meanwhile


@pytest.fixture
def hashed(monkeypatch):
    """The names of the threads in which scrypt was computed, one for each time."""
    monkeypatch.setattr(secret_fingerprint, "_keys", {})
    names: list[str] = []
    scrypt = hashlib.scrypt

    def counted(password, **cost):
        names.append(threading.current_thread().name)
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return names


def test_each_distinct_secret_once_whichever_thread_asks(hashed):
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda number: slow_key(b"salt", f"secret {number % 3}"), range(24)))
    assert len(hashed) == 3
    assert len(set(keys)) == 3
    assert slow_key(b"other salt", "secret 0") not in keys
    assert len(hashed) == 4


def test_what_failed_is_tried_again(hashed, monkeypatch):
    def fails(*_, **__):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "scrypt", fails)
        with pytest.raises(MemoryError):
            slow_key(b"salt", "secret")
    assert len(slow_key(b"salt", "secret")) == 32


def test_it_goes_on_while_the_network_is_awaited_and_is_done_at_the_end(hashed, monkeypatch):
    begun = threading.Event()
    scrypt = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda *password, **cost: begun.set() or scrypt(*password, **cost))

    async def compare():
        async with hashed_meanwhile(b"salt", ["a", "b", "a", "c"]):
            # The loop does nothing but wait for the network.
            await asyncio.to_thread(begun.wait, 10)
        assert len(hashed) == 3
        return slow_key(b"salt", "c")

    assert len(asyncio.run(compare())) == 32
    assert len(hashed) == 3
    assert all(name.startswith("secrets") for name in hashed)


def test_a_failed_read_ends_it_and_is_what_is_raised(hashed):
    async def compare():
        async with hashed_meanwhile(b"salt", [f"secret {number}" for number in range(2000)]):
            raise ValueError("the read failed")

    with pytest.raises(ValueError, match="the read failed"):
        asyncio.run(compare())
    assert len(hashed) < 100
