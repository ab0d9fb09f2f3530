"""A Ctrl-C that leaves things tidy: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from types import CodeType, FrameType

_T = TypeVar("_T")
_IMPORTING = "<frozen importlib"
_LATER_SECONDS = 0.002
_WAKE_SECONDS = 0.2
_PASSING = (10_000, 10, 10)
_LASTING = (2_000, 10, 10)
ECHO_SECONDS = 0.1
"""What comes sooner after a signal is the same wish: `timeout` and others signal a program, and then its group."""


def ending_signals() -> tuple[signal.Signals, ...]:
    """Return the signals beside Ctrl-C that end a command: SIGTERM, and SIGHUP unless it is ignored, as by nohup."""
    hangup = getattr(signal, "SIGHUP", None)  # not on Windows
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, hangup)


class Interrupts:
    """The handler of all signals that end a command: raises KeyboardInterrupt, where somebody takes it.

    While `run_to_end` runs a coroutine, the first signal cancels it instead. Before the command runs, and while a
    module is imported or an event loop is made, which an exception would leave half done, a signal waits a moment.
    """

    def __init__(self) -> None:
        self._within: CodeType | None = None
        self._cancel: Callable[[], None] | None = None
        self.has_cancelled = False

    def install(self) -> None:
        """From now on, hear the signals; an ignored Ctrl-C stays ignored: a shell's background."""
        for number in (signal.SIGINT, *ending_signals()):
            if number is not signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self)
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self)
        report = sys.unraisablehook

        def hook(failed: sys.UnraisableHookArgs, /) -> None:
            # Raised in the callback of a weak reference, say: Python drops it there, and would tell of it.
            if issubclass(failed.exc_type, KeyboardInterrupt):
                self._ring_later()
            else:
                report(failed)

        sys.unraisablehook = hook

    def raise_within(self, code: CodeType) -> None:
        """From now on, raise in what this code calls; what comes anywhere else waits."""
        self._within = code

    def end(self) -> None:
        """From now on, let no signal end the process: all is told, and its exit status is the one that was decided."""
        for number in (signal.SIGINT, *ending_signals(), *_numbers("SIGALRM")):
            signal.signal(number, signal.SIG_IGN)
        # Python ends by SIGINT where a KeyboardInterrupt ever left text that `exec` ran, as dataclasses do, unless some
        # text ran after it.
        exec("")  # noqa: S102

    @contextmanager
    def cancelling(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Within, call this at the first signal; the second one raises."""
        self._cancel, self.has_cancelled = cancel, False
        try:
            yield
        finally:
            self._cancel = None

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        if self._must_wait(frame):
            self._ring_later()
        elif self._cancel is not None and not self.has_cancelled:
            self.has_cancelled = True
            self._cancel()
        else:
            raise KeyboardInterrupt

    def _must_wait(self, frame: FrameType | None) -> bool:
        if not hasattr(signal, "setitimer"):
            return False
        at = frame
        while at is not None:
            # An event loop that is half made complains on the screen when it is dropped.
            if at.f_code.co_filename.startswith(_IMPORTING) or at.f_code.co_name == "new_event_loop":
                return True
            if at.f_code is self._within:
                return False
            at = at.f_back
        return True

    def _ring_later(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _LATER_SECONDS)


def _numbers(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def _interrupts() -> Interrupts | None:
    """Return what hears this process's signals; None: the command runs within another program."""
    handlers = (signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM))
    return next((handler for handler in handlers if isinstance(handler, Interrupts)), None)


def run_for_long(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine as `run_to_end` does, for hours: call it once what lasts is there, such as manifests.

    A full garbage collection comes when what may be garbage is a quarter of what lasts. Beside all that a start makes
    that is many MiB, which look like a leak. So what is there now is no longer counted, nor looked through.

    Raises:
        KeyboardInterrupt: a signal ended it.
    """
    if _interrupts() is not None:  # else the process is somebody's, who knows better
        gc.collect()
    return _run(work, _LASTING)


def run_to_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in an event loop of its own. A first signal cancels it, a second one interrupts it anywhere.

    Raises:
        KeyboardInterrupt: a signal ended it.
    """
    return _run(work, _PASSING)


def _run(work: Coroutine[Any, Any, _T], thresholds: tuple[int, int, int]) -> _T:
    import asyncio

    handler = _interrupts()
    if handler is None:
        return asyncio.run(work)
    # What the start has made lasts. From here on garbage is made, and looked for; see `main`.
    gc.freeze()
    gc.set_threshold(*thresholds)

    async def cancellable() -> _T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def cancel() -> None:
            if task is not None:
                task.cancel()
            loop.call_soon_threadsafe(lambda: None)  # it may be waiting

        with handler.cancelling(cancel):
            return await work

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        if handler.has_cancelled:
            raise KeyboardInterrupt from None
        raise


@contextmanager
def heard_by(hear: Callable[[signal.Signals], None], *, ignored_after: Callable[[], bool]) -> Iterator[None]:
    """Within, tell the event loop of each signal that ends a command.

    Args:
        hear: called in the loop.
        ignored_after: asked at the end, whether signals do nothing from then on; else they go where they went before.
    """
    import asyncio  # every command imports this module, and few of them run anything side by side

    loop = asyncio.get_running_loop()

    def handler(number: int, _frame: FrameType | None) -> None:
        if loop.is_closed():
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(hear, signal.Signals(number))

    # asyncio's own handlers are not taken: when they are removed, a signal ends the process for a moment.
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, *ending_signals())}
    try:
        yield
    finally:
        for number, kept in before.items():
            signal.signal(number, signal.SIG_IGN if ignored_after() else kept)


@contextmanager
def stopped_by_signals(on_stop: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Within, Ctrl-C, SIGTERM and a terminal that closes ask for an orderly end; a second one cancels the task.

    Whoever is cancelled tells what it knows, so further ones do nothing. Once an end was asked for, that holds beyond:
    the command ends by itself, and a signal more must not take the report that it is about to write.

    Args:
        on_stop: called at the first one.
    """
    import asyncio

    stop, task = asyncio.Event(), asyncio.current_task()
    hurried, first = False, 0.0

    def interrupt(_number: signal.Signals) -> None:
        nonlocal hurried, first
        if stop.is_set():
            if task is not None and not hurried and time.monotonic() - first >= ECHO_SECONDS:
                hurried = True
                task.cancel()
            return
        first = time.monotonic()
        stop.set()  # first: the terminal that is told may be gone
        on_stop()

    with heard_by(interrupt, ignored_after=stop.is_set):
        yield stop


@contextmanager
def interrupted_at_once() -> Iterator[None]:
    """Within, a signal interrupts what waits for a key: asyncio would note it, and wait for the answer."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, *ending_signals())
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        with _waking():
            yield
    finally:
        for number, kept in before.items():
            signal.signal(number, kept)


@contextmanager
def _waking() -> Iterator[None]:
    """Within, wake what waits now and then: a signal just before the wait is heard no sooner."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _WAKE_SECONDS, _WAKE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
