"""What is cut off ends, and a cancellation meanwhile takes nothing away once an end was asked for."""

from __future__ import annotations

import asyncio

from reconciler.reconcile.ending import cut_off


async def _ends_late(ending: asyncio.Event, may_end: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        ending.set()
        await may_end.wait()
        raise


async def _cancelled_while_it_ends(*, asked: bool) -> tuple[bool, bool]:
    stop = asyncio.Event()
    if asked:
        stop.set()
    ending, may_end = asyncio.Event(), asyncio.Event()
    under_way = asyncio.create_task(_ends_late(ending, may_end))
    await asyncio.sleep(0)
    cutting = asyncio.create_task(cut_off((under_way,), stop))
    await ending.wait()
    cutting.cancel()
    await asyncio.wait({cutting}, timeout=0)
    if asked:
        may_end.set()
    await asyncio.wait({cutting})
    ended = under_way.done()
    may_end.set()
    await asyncio.wait({under_way})
    return cutting.cancelled(), ended


def test_a_second_signal_while_all_ends_leaves_the_report() -> None:
    assert asyncio.run(_cancelled_while_it_ends(asked=True)) == (False, True)


def test_whoever_did_not_ask_for_an_end_is_cancelled() -> None:
    assert asyncio.run(_cancelled_while_it_ends(asked=False))[0]
