"""Did it go through? After a resume, a command of the user's is asked until it says yes, or a limit is reached."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.config.model import LiveObject
from reconciler.reconcile.leased import NOT_VERIFIED, VERIFIED
from reconciler.reconcile.pause_report import Lifted, Verification
from reconciler.words import spoken

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger

CANNOT_BE_KNOWN = (
    "Whether what had waited went through cannot be known: OrderCloud does not tell how much waits, or when it is "
    "through. --verify-with COMMAND asks your own end."
)

_GRACE_SECONDS = 2.0
_LOOKS = 20


class How(Struct, frozen=True):
    """How to find out.

    Args:
        command: a shell's command line that ends with 0 once it went through.
        within: for how long it is asked.
        every: how long to wait between two tries.
    """

    command: str
    within: timedelta = timedelta(minutes=15)
    every: timedelta = timedelta(seconds=5)


async def verify(lifted: Lifted, ledger: Ledger, how: How | None, stop: asyncio.Event | None = None) -> Lifted:
    """Return what became of leases with the answer to whether what had waited went through; recorded in the ledger.

    Args:
        lifted: what was resumed, a moment ago.
        ledger: open for writing.
        how: asks; None: nobody does.
        stop: once set, nothing is asked any more.
    """
    if not lifted.resumed:
        return lifted
    if how is None:
        return replace(lifted, verification=Verification(None, 0, CANNOT_BE_KNOWN))
    started = time.monotonic()
    passed = await _asked(how, {"RECONCILER_RESUMED": " ".join(sync.key for sync in lifted.resumed)}, stop)
    seconds = round(time.monotonic() - started)
    took = spoken(timedelta(seconds=seconds))
    verdict = VERIFIED if passed else NOT_VERIFIED
    for sync in lifted.resumed:
        ledger.log_verdict(LiveObject(sync.api_url, sync.kind, sync.id), verdict, seconds)
    words = (
        f"Verified: what had waited was through after {took}."
        if passed
        else (f"NOT verified: the command of --verify-with did not say so within {took}.")
    )
    return replace(lifted, verification=Verification(verdict, seconds, words))


async def _asked(how: How, variables: Mapping[str, str], stop: asyncio.Event | None) -> bool:
    """Run the command until it ends with 0; return whether it did in time."""
    deadline = time.monotonic() + how.within.total_seconds()
    while stop is None or not stop.is_set():
        process = await asyncio.create_subprocess_shell(
            how.command,
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            code = await asyncio.wait_for(process.wait(), max(deadline - time.monotonic(), 0.1))
        except (TimeoutError, asyncio.CancelledError):
            return False
        finally:
            if process.returncode is None:
                await _end(process)
        if code == 0:
            return True
        if time.monotonic() + how.every.total_seconds() >= deadline:
            return False
        await asyncio.sleep(how.every.total_seconds())
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command with whatever it has started: SIGTERM, and what is left a moment later SIGKILL."""
    if os.name != "posix":
        process.kill()
        await process.wait()
        return
    _signalled(process.pid, signal.SIGTERM)
    try:
        for _ in range(_LOOKS):
            if not _signalled(process.pid, 0):
                break
            await asyncio.sleep(_GRACE_SECONDS / _LOOKS)
    finally:
        _signalled(process.pid, signal.SIGKILL)
    await process.wait()


def _signalled(group: int, number: int) -> bool:
    """Send a signal to a group of processes; return whether there is one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
