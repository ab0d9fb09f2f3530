"""Loops that work beside the requests, in threads of their own, so that nothing there holds up an answer.

A loop never ends by itself: what keeps it from its work is said once, and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from reconciler.errors import LedgerLocked, ReconcilerError
from reconciler.report.log import Level

if TYPE_CHECKING:
    from reconciler.serve.service import Served, Service

STAND_BY_SECONDS = 10.0
"""How long who finds somebody else at it waits before it looks again."""

STANDS_BY = "another process does it, and this one stands by"
"""What a loop waits for that somebody else does."""
_OWN_LOCK = "an earlier lock of this process is still in the ledger; it ends by itself"

_FIRST_AGAIN_SECONDS, _LONGEST_AGAIN_SECONDS = 2.0, 60.0


class Loop:
    """One loop of an environment. What a turn may use is of the thread that it runs in; others run there, too.

    Args:
        service: the process.
        served: the environment.
        name: of the loop, for people.
        turn: takes one turn, and returns how many seconds it is until the next.
    """

    def __init__(self, service: Service, served: Served, name: str, turn: Callable[[Loop], Awaitable[float]]) -> None:
        self.service = service
        self.served = served
        self.name = name
        self.between: asyncio.Event
        """Set where it is to end between two runs, or at once."""
        self.stopping: asyncio.Event
        """Set where it is to end soon, within a run as well."""
        self._turn = turn
        self._asked = [False, False]
        self._thread: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    # In the service's thread

    def start(self) -> asyncio.Task[None]:
        """Begin in one of the threads for loops; the task ends with it."""
        return self.service.start(self._in_thread(), f"{self.served.name}: {self.name}")

    def end(self, *, within: bool = False) -> None:
        """Ask for its end: between two runs, or also within one."""
        self._asked = [True, self._asked[1] or within]
        if self._thread is not None and not self._thread.is_closed():
            self._thread.call_soon_threadsafe(self._hear)

    def cut(self) -> None:
        """End it at once: what it does now is not waited for."""
        self.end(within=True)
        if self._thread is not None and self._task is not None and not self._thread.is_closed():
            self._thread.call_soon_threadsafe(self._task.cancel)

    async def _in_thread(self) -> None:
        work = asyncio.ensure_future(self.service.threads.run(self._run))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.cut()
            await asyncio.wait({work})
            raise

    # In its thread

    @property
    def ends(self) -> bool:
        """Whether it was asked to end."""
        return self.between.is_set()

    async def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until it is asked to end."""
        waiting = asyncio.create_task(self.between.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()

    def waits(
        self, words: str, *, level: Level = "warning", code: str | None = None, holder: str | None = None
    ) -> None:
        """Say what it waits for, where it has not said so already."""
        key = self.served.name, self.name
        if self.service.waits.get(key) != words:
            self.service.waits[key] = words
            self.service.log.say(
                "loop-waits",
                f"{self.name} waits: {words}",
                level=level,
                environment=self.served.name,
                code=code,
                holder=holder,
            )

    def goes_on(self) -> None:
        """Say that it waits for nothing any more, where it did."""
        if self.service.waits.pop((self.served.name, self.name), None) is not None:
            self.service.log.say("loop-goes-on", f"{self.name} goes on", environment=self.served.name)

    def came_round(self) -> None:
        """Note that it did what it is for."""
        self.goes_on()
        self.service.loops[f"{self.served.name}/{self.name}"] = self.service.now()

    async def _run(self) -> None:
        self._thread, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self.between, self.stopping = asyncio.Event(), asyncio.Event()
        self._hear()
        failures = 0
        try:
            while not self.ends:
                try:
                    seconds = await self._turn(self)
                    failures = 0
                except LedgerLocked as locked:
                    words = _OWN_LOCK if self.service.holder in locked.message else STANDS_BY
                    self.waits(words, level="info", holder=locked.message)
                    seconds, failures = STAND_BY_SECONDS, 0
                except ReconcilerError as error:
                    self.waits(error.message, code=error.code)
                    seconds = min(_FIRST_AGAIN_SECONDS * 2.0**failures, _LONGEST_AGAIN_SECONDS)
                    failures = min(failures + 1, 10)
                except Exception as error:  # noqa: BLE001 - a loop that fails must not take the service with it
                    self.waits(f"it failed: {type(error).__name__}", level="error", code="internal-error")
                    seconds = _LONGEST_AGAIN_SECONDS
                await self.sleep(seconds)
        finally:
            self.service.waits.pop((self.served.name, self.name), None)

    def _hear(self) -> None:
        between, within = self._asked
        if between:
            self.between.set()
        if within:
            self.stopping.set()


class Crew:
    """The loops of one environment; they end together, where other manifests are read or the process ends.

    Args:
        loops: not begun yet.
    """

    def __init__(self, loops: tuple[Loop, ...]) -> None:
        self._loops = loops
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin all of them."""
        self._tasks = tuple(loop.start() for loop in self._loops)

    def end(self, *, within: bool = False) -> None:
        """Ask them to end; see `Loop.end`."""
        for loop in self._loops:
            loop.end(within=within)

    async def ended(self) -> None:
        """Wait for their end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
