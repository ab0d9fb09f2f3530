"""A Ctrl-C that leaves things tidy: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.cli.output import say


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """Within, Ctrl-C and SIGTERM ask for an orderly end; a second one ends at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.current_task()

    def interrupt() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
            return
        say("Stopping: nothing new is sent, what is under way is finished. Once more to stop at once.")
        stop.set()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, interrupt)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
