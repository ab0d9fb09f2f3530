"""Two applies on one ledger: one waits, or is told who holds it; a dead one does not block."""

from __future__ import annotations

import pytest

from support.checkout import Checkout, http_config, wait_until
from support.forked import Forked

pytestmark = pytest.mark.usefixtures("on_both")


@pytest.fixture
def holding(checkout: Checkout) -> Forked:
    """Return an apply that holds the lock while its create hangs, not yet carried out."""
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hook.yaml", http_config("hook"))
    checkout.emulator.fault("hang", method="POST", path="*/deliveryconfig", when="before")
    process = checkout.fork("apply", "--yes")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    return process


def end(process: Forked) -> None:
    process.kill()
    process.communicate()


def test_the_second_is_refused_and_told_who_holds_the_lock(checkout: Checkout, holding: Forked) -> None:
    try:
        with checkout.unchanged():
            ended = checkout.run("apply", "--yes")
    finally:
        end(holding)
    assert ended.status == 1, str(ended)
    assert "ledger-locked" in ended.stderr
    assert f"pid {holding.pid}: apply" in " ".join(ended.stderr.split())
    assert "reconciler ledger unlock" in " ".join(ended.stderr.split())


def test_planning_needs_no_lock(checkout: Checkout, holding: Forked) -> None:
    try:
        assert checkout.run("plan", "--exit-code").status == 2
    finally:
        end(holding)


def test_the_living_holder_is_not_unlocked_without_force(checkout: Checkout, holding: Forked) -> None:
    try:
        ended = checkout.call("ledger", "unlock")
        assert ended.status == 1, str(ended)
        assert str(holding.pid) in ended.stderr
        assert checkout.call("ledger", "unlock", "--force").status == 0
    finally:
        end(holding)


def test_one_that_may_wait_says_for_whom_and_goes_on_when_the_first_is_done(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hook.yaml", http_config("hook"))
    checkout.emulator.fault("latency", method="POST", path="*/deliveryconfig", seconds=4)
    first = checkout.fork("apply", "--yes")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    second = checkout.fork("apply", "--yes", "--lock-wait", "60")
    told = [process.communicate(timeout=60) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), told
    assert f"pid {first.pid}" in told[1][1]
    assert checkout.writes() == [("POST", "deliveryconfig")]


def test_one_that_waited_in_vain_is_refused(checkout: Checkout, holding: Forked) -> None:
    try:
        with checkout.unchanged():
            ended = checkout.run("apply", "--yes", "--lock-wait", "0.5")
    finally:
        end(holding)
    assert ended.status == 1, str(ended)
    assert "ledger-locked" in ended.stderr


def test_a_dead_holder_does_not_block(checkout: Checkout, holding: Forked) -> None:
    end(holding)
    checkout.emulator.clear_faults()
    ended = checkout.run("apply", "--yes")
    assert ended.status == 0, str(ended)
    assert list(checkout.live()["deliveryConfigs"]) == ["hook"]


def test_many_at_once_do_each_change_once(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hooks.yaml", *(http_config(f"hook-{number}") for number in range(4)))
    running = [checkout.fork("apply", "--yes", "--lock-wait", "60") for _ in range(4)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in running]
    assert [status for _, status in ended] == [0] * 4, ended
    assert sorted(checkout.writes()) == [("POST", "deliveryconfig")] * 4
