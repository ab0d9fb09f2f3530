"""A command that is forked with everything imported ends, says and hands on the same as one that Python starts anew."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from support.checkout import Checkout, Ended, entity_sync, http_config, wait_until

FACTS = "pwd; umask; env | sort; grep ^Sig[BIC] /proc/self/status; ls /proc/self/fd; ps -o nice= -p $$; date +%Z"


def started(checkout: Checkout, *words: str) -> Ended:
    process = checkout.start(*words)
    stdout, stderr = process.communicate(timeout=60)
    return Ended(process.returncode, stdout, stderr)


@pytest.fixture
def changed(checkout: Checkout) -> Checkout:
    """A checkout with something to apply, not all of it plain ASCII."""
    checkout.write("environment.yaml", checkout.environment())
    hook = http_config("hook")
    hook["spec"]["name"] = "Für Käufer"
    checkout.write("hook.yaml", hook, entity_sync("buyers", "hook"))
    return checkout


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("plan", "--exit-code"), 2),
        (("plan", "-e", "none"), 64),
        (("validate", "--format", "json"), 0),
        (("ledger", "show"), 0),
        (("apply", "--help"), 0),
        (("aply",), 64),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
def test_it_ends_and_says_the_same(changed: Checkout, words: tuple[str, ...], status: int) -> None:
    forked = changed.run(*words)
    assert forked == started(changed, *words)
    assert forked.status == status


def test_what_it_starts_finds_the_same_surroundings(changed: Checkout) -> None:
    changed.applied()
    changed.variables = {"TZ": "Pacific/Auckland", "ODD": "Käufer"}
    words = ("pause", "EntitySync/buyers", "--for", "30m", "--reason", "Load", "--", "sh", "-c", FACTS)
    forked, anew = changed.run(*words), started(changed, *words)
    assert forked.status == anew.status == 0, str(forked)
    assert forked.stdout == anew.stdout
    assert "ODD=Käufer" in forked.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_the_same_way(checkout: Checkout, number: signal.Signals) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("place.yaml", http_config("hook"))

    def ended(begin: Callable[..., Any]) -> Ended:
        checkout.emulator.clear_faults()
        checkout.emulator.fault("hang", path="*/deliveryconfig*")
        process = begin("plan")
        wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
        process.send_signal(number)
        wait_until(lambda: process.poll() is not None)
        return Ended(process.returncode, *process.communicate())

    forked = ended(checkout.fork)
    assert forked == ended(checkout.start)
    assert forked.status == (-signal.SIGKILL if number == signal.SIGKILL else 130)
