"""Run a command while syncs are paused: signs of life for its leases, signals passed on, and the resume in any case."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from reconciler.app.pause import PauseFace, PauseRequest, give_back, take
from reconciler.app.signals import heard_by
from reconciler.errors import Interrupted, LedgerError, ReconcilerError
from reconciler.reconcile.pause_report import Lifted, Taken
from reconciler.words import parse_duration, spoken

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from reconciler.http.observe import Observer
    from reconciler.ledger.writer import Ledger
    from reconciler.pause.lease import Lease
    from reconciler.reconcile.session import Session

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_BY_SIGNAL = 128
_SIGN_OF_LIFE_SECONDS = 10.0
_SHORTEST_SECONDS = 0.05


class HoldFace(PauseFace, Protocol):
    """Whoever asked for a pause around a command."""

    def alarms(self, message: str) -> None:
        """Hear of something that cannot wait for the command's end."""

    def lifted(self, lifted: Lifted) -> None:
        """Hear what became of the leases."""


class Held(Struct, frozen=True):
    """How a pause around a command ended.

    Args:
        taken: the leases.
        status: the command's exit status, as a shell has it; None: it was not started.
        lifted: what became of the leases; None: they could not be lifted.
        problem: why they could not, or why the command was not started.
    """

    taken: Taken
    status: int | None
    lifted: Lifted | None = None
    problem: ReconcilerError | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether nothing stands still for it any more."""
        return self.lifted is not None and self.lifted.is_done


def not_startable(command: Sequence[str]) -> int | None:
    """Return the exit status of a command that cannot be started, 126 or 127; None where it can, as far as is seen."""
    if shutil.which(command[0]) is not None:
        return None
    is_path = Path(command[0]).name != command[0]
    folders = ["."] if is_path else os.environ.get("PATH", "").split(os.pathsep)
    there = any((Path(folder) / command[0]).exists() for folder in folders if folder)
    return NOT_EXECUTABLE if there else NOT_FOUND


async def hold(
    session: Session,
    ledger: Ledger,
    request: PauseRequest,
    command: Sequence[str],
    face: HoldFace,
    observer: Observer,
    *,
    extend: bool = False,
    lock_wait: float = 0,
    token_cache: bool = True,
) -> Held:
    """Pause syncs, run a command, and resume them when it has ended, when its time is over, or when a signal comes.

    No lock is held while it runs. SIGINT, SIGTERM and SIGHUP are passed on to it.

    Args:
        session: the environment.
        ledger: open for writing.
        request: the pause.
        command: its words.
        face: who is told.
        observer: told of the requests.
        extend: whether the pause lasts as long as the command, up to `maxPause`.
        lock_wait: seconds to wait for an apply.
        token_cache: whether access tokens may be kept in files.

    Raises:
        ReconcilerError: nothing was paused, and the command was not started.
    """
    stop, child = asyncio.Event(), _Child()
    with _heard(child, stop):
        taken = await take(session, ledger, request, face, observer, stop, lock_wait=lock_wait, token_cache=token_cache)
        if not taken.done and stop.is_set() and taken.lifted is not None and taken.lifted.is_done:
            raise Interrupted(
                "Interrupted before the command was started: nothing is paused for it", next_step="Run it again."
            )
        if not taken.done:
            return Held(taken, None, taken.lifted)
        holder = _Holder(session, ledger, request, taken, face, observer, extend=extend, token_cache=token_cache)
        try:
            await child.start(command)
        except OSError as error:
            status = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            problem = ReconcilerError(f"{command[0]} cannot be started: {error.strerror}")
            return Held(taken, status, await holder.ended(), holder.problem or problem)
        status = await holder.watch(child, stop)
        return Held(taken, status, await holder.ended(), holder.problem)


class _Child:
    """The command, and whether a terminal sends its signals to both of us."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self._shares_terminal = _in_foreground()
        self._early: list[signal.Signals] = []

    async def start(self, words: Sequence[str]) -> None:
        # Off a terminal it is a group of its own: who signals our whole group reaches it once, through us.
        group = None if self._shares_terminal or os.name != "posix" else 0
        self.process = await asyncio.create_subprocess_exec(*words, process_group=group)
        for number in self._early:
            self.pass_on(number)

    def pass_on(self, number: signal.Signals) -> None:
        """Send a signal to the command, unless the terminal has sent it already."""
        if self.process is None:
            self._early.append(number)
        elif self.process.returncode is None and not (self._shares_terminal and number is not signal.SIGTERM):
            with suppress(ProcessLookupError):
                if self._shares_terminal or os.name != "posix":
                    self.process.send_signal(number)
                else:
                    os.killpg(self.process.pid, number)

    async def wait(self) -> int:
        code = 0 if self.process is None else await self.process.wait()
        return _BY_SIGNAL - code if code < 0 else code


class _Holder(Struct):
    """Keeps the leases alive, and gives them back once."""

    session: Session
    ledger: Ledger
    request: PauseRequest
    taken: Taken
    face: HoldFace
    observer: Observer
    extend: bool
    token_cache: bool
    lifted: Lifted | None = None
    problem: ReconcilerError | None = None
    _silent: bool = field(default=False)
    _ends: dict[str, datetime] = {}
    _taken_away: dict[str, str] = {}

    async def watch(self, child: _Child, stop: asyncio.Event) -> int:
        """Give signs of life until the command has ended, and resume before that where its time is over."""
        ended = asyncio.ensure_future(child.wait())
        stopped = asyncio.ensure_future(stop.wait())
        left = self._enough_for(self.request.duration)
        try:
            while not ended.done():
                waits = {ended} if stopped.done() else {ended, stopped}
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                left = _SIGN_OF_LIFE_SECONDS
                if ended.done() or self.lifted is not None:
                    continue
                if stopped.done():
                    await self._resume("A signal came; the command is waited for.")
                else:
                    left = await self._sign_of_life()
            return ended.result()
        finally:
            stopped.cancel()

    async def _sign_of_life(self) -> float:
        """Renew the leases; resume where they hold no more. Return for how many seconds that is enough."""
        ids = [lease.lease_id for lease in self.taken.leases]
        limits: tuple[timedelta | None, timedelta | None] = (None, None)
        if self.extend:
            limits = (self.request.duration, parse_duration(self.session.settings.guardrails.max_pause))
        try:
            rest = await asyncio.to_thread(self.ledger.renew_leases, ids, *limits)
        except LedgerError as error:
            if not self._silent:
                self._silent = True
                self.face.alarms(f"The ledger cannot be told that the command still runs: {error.message}")
            return _SIGN_OF_LIFE_SECONDS / 3
        self._silent = False
        if await self._tells_what_was_taken_away():
            return _SIGN_OF_LIFE_SECONDS
        if rest is None:
            for_ = spoken(self.request.duration)
            await self._resume(f"The pause ended (--for {for_}), and the command still runs: it goes on without it.")
            return _SIGN_OF_LIFE_SECONDS
        return self._enough_for(rest)

    def _enough_for(self, rest: timedelta) -> float:
        """Return for how many seconds no sign of life is due; an end that is put off is so while a third is left."""
        seconds = rest.total_seconds() * (2 / 3 if self.extend else 1)
        return max(min(seconds, _SIGN_OF_LIFE_SECONDS), _SHORTEST_SECONDS)

    async def _tells_what_was_taken_away(self) -> bool:
        """Tell of leases that somebody else has ended before their time; return whether that was the last of ours."""
        try:
            kept, now = await asyncio.to_thread(self.ledger.leases, tuple(self.session.urls.values()))
        except LedgerError:
            return False  # said by whoever needs it next
        held = {lease.lease_id: lease for lease in kept if lease.released_at is None}
        gone = {}
        for lease in self.taken.leases:
            if (still := held.get(lease.lease_id)) is not None:
                self._ends[lease.lease_id] = still.until
            elif lease.lease_id not in self._taken_away and now < self._ends.get(lease.lease_id, lease.until):
                gone[lease.lease_id] = lease.key
        if not gone:
            return False
        self._taken_away |= gone
        keys = ", ".join(gone.values())
        words = f"The pause of {keys} was lifted by somebody else: the command goes on without it."
        if held.keys() & {lease.lease_id for lease in self.taken.leases}:
            self.face.alarms(words)
            return False
        await self._resume(words)
        return True

    async def _resume(self, message: str) -> None:
        self.face.alarms(message)
        await self._give_back()

    async def _give_back(self) -> None:
        ours = {lease.lease_id for lease in self.taken.leases}

        def is_ours(lease: Lease) -> bool:
            return lease.lease_id in ours

        self.problem = None
        try:
            lifted = await give_back(
                self.session,
                self.ledger,
                is_ours,
                self.face,
                self.observer,
                command="pause",
                token_cache=self.token_cache,
            )
        except ReconcilerError as error:
            self.problem = error
            self.face.alarms(f"The syncs could not be resumed: {error.message}")
            return
        self.face.lifted(lifted)
        if lifted.is_done:
            self.lifted = lifted
        else:
            self.problem = ReconcilerError("not every sync could be resumed")

    async def ended(self) -> Lifted | None:
        """Give the leases back, unless that was done; return what became of them."""
        if self.lifted is None:
            await self._tells_what_was_taken_away()
        if self._taken_away:
            keys = ", ".join(self._taken_away.values())
            self.face.alarms(f"The pause of {keys} did not last until the command ended: somebody else had lifted it.")
        if self.lifted is None:
            await self._give_back()
        return self.lifted


@contextmanager
def _heard(child: _Child, stop: asyncio.Event) -> Iterator[None]:
    """Within, signals that end a command are passed on to the child, and set an event."""

    def hear(number: signal.Signals) -> None:
        stop.set()
        child.pass_on(number)

    with heard_by(hear, ignored_after=lambda: False):
        yield


def _in_foreground() -> bool:
    """Whether a terminal sends its signals to this process and whatever it starts."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
