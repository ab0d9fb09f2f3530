"""What is cut off ends, and a cancellation meanwhile takes nothing away once an end was asked for."""

from __future__ import annotations

import asyncio

from reconciler.reconcile.ending import cut_off


async def _ends_late() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
        raise


async def _cancelled_while_it_ends(*, asked: bool) -> tuple[bool, bool]:
    stop = asyncio.Event()
    if asked:
        stop.set()
    under_way = asyncio.create_task(_ends_late())
    await asyncio.sleep(0)
    cutting = asyncio.create_task(cut_off((under_way,), stop))
    await asyncio.sleep(0.01)
    cutting.cancel()
    await asyncio.wait({cutting})
    ended = under_way.done()
    await asyncio.wait({under_way})
    return cutting.cancelled(), ended


def test_a_second_signal_while_all_ends_leaves_the_report() -> None:
    assert asyncio.run(_cancelled_while_it_ends(asked=True)) == (False, True)


def test_whoever_did_not_ask_for_an_end_is_cancelled() -> None:
    assert asyncio.run(_cancelled_while_it_ends(asked=False))[0]
