"""The first signal asks for an end, the second cancels, and what comes after takes nothing away."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Iterator

import pytest

from reconciler.app.signals import (
    ECHO_SECONDS,
    Interrupts,
    ending_signals,
    run_for_long,
    run_to_end,
    stopped_by_signals,
)

NUMBERS = (signal.SIGINT, *ending_signals())


@pytest.fixture(autouse=True)
def _handlers_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def heard(stop: asyncio.Event) -> None:
    await asyncio.wait_for(stop.wait(), 10)


@pytest.mark.parametrize("number", NUMBERS)
def test_after_an_end_was_asked_for_signals_do_nothing(number: signal.Signals) -> None:
    told: list[str] = []

    async def work() -> str:
        with stopped_by_signals(lambda: told.append("stopping")) as stop:
            os.kill(os.getpid(), number)
            await heard(stop)
            os.kill(os.getpid(), number)  # the same wish, through the process's group
            await asyncio.sleep(1.5 * ECHO_SECONDS)
            os.kill(os.getpid(), number)
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                os.kill(os.getpid(), number)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        return "the report"

    assert asyncio.run(work()) == "the report"
    os.kill(os.getpid(), number)
    assert told == ["stopping"]


def test_without_a_signal_all_is_as_before() -> None:
    before = [signal.getsignal(number) for number in NUMBERS[1:]]

    async def work() -> None:
        with stopped_by_signals(lambda: None):
            await asyncio.sleep(0)

    asyncio.run(work())
    assert [signal.getsignal(number) for number in NUMBERS[1:]] == before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_waits_until_an_event_loop_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts, rung = Interrupts(), []
    monkeypatch.setattr(interrupts, "_ring_later", lambda: rung.append("later"))
    made = asyncio.SelectorEventLoop.__init__

    def interrupted(loop: asyncio.SelectorEventLoop, *words: object) -> None:
        signal.raise_signal(signal.SIGINT)
        made(loop, *words)  # type: ignore[arg-type]

    def command() -> None:
        asyncio.run(asyncio.sleep(0))

    monkeypatch.setattr(asyncio.SelectorEventLoop, "__init__", interrupted)
    interrupts.raise_within(command.__code__)
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        command()
    finally:
        signal.signal(signal.SIGINT, before)
    assert rung == ["later"]


def test_what_a_command_starts_with_is_not_looked_through_while_it_works() -> None:
    async def frozen() -> tuple[int, int]:
        return gc.get_freeze_count(), gc.get_threshold()[0]

    thresholds, before = gc.get_threshold(), gc.get_freeze_count()
    assert run_to_end(frozen()) == (before, thresholds[0])  # within another program
    try:
        signal.signal(signal.SIGINT, Interrupts())
        gc.set_threshold(10 * thresholds[0] + 100_000)
        now_frozen, looked_for_at = run_to_end(frozen())
        assert now_frozen > before + 1_000
        assert looked_for_at == 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_what_a_long_life_starts_with_is_not_looked_through_again() -> None:
    async def frozen() -> int:
        return gc.get_freeze_count()

    thresholds, before = gc.get_threshold(), gc.get_freeze_count()
    assert run_for_long(frozen()) == before  # within another program
    try:
        signal.signal(signal.SIGINT, Interrupts())
        assert run_for_long(frozen()) > before + 1_000
        assert gc.get_threshold()[0] < 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
