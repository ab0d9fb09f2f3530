"""A Ctrl-C that leaves things tidy: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def ending_signals() -> tuple[signal.Signals, ...]:
    """Return the signals beside Ctrl-C that end a command: SIGTERM, and SIGHUP unless it is ignored, as by nohup."""
    hangup = getattr(signal, "SIGHUP", None)  # not on Windows
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, hangup)


@contextmanager
def stopped_by_signals(on_stop: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Within, Ctrl-C, SIGTERM and a terminal that closes ask for an orderly end; a second one cancels the task.

    Whoever is cancelled tells what it knows, so further ones do nothing. Once an end was asked for, that holds beyond:
    the command ends by itself, and a signal more must not take the report that it is about to write.

    Args:
        on_stop: called at the first one.
    """
    import asyncio  # every command imports this module, and few of them run anything side by side

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.current_task()
    hurried = False

    def interrupt() -> None:
        nonlocal hurried
        if stop.is_set():
            if task is not None and not hurried:
                hurried = True
                task.cancel()
            return
        stop.set()  # first: the terminal that is told may be gone
        on_stop()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending_signals())}
    for number in before:
        loop.add_signal_handler(number, interrupt)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN if stop.is_set() else handler)
