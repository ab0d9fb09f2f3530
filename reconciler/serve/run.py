"""Run a service until a signal: first the loops and the routes, then an orderly end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from reconciler.app.signals import ECHO_SECONDS, heard_by
from reconciler.errors import Interrupted
from reconciler.serve.asgi import make_app
from reconciler.serve.server import Server
from reconciler.serve.service import Service

Reload = Callable[[], None]


async def serve(service: Service, reload: Reload = lambda: None) -> None:
    """Serve until a first signal, then end what was begun; a second signal ends it at once.

    Args:
        service: opened and checked.
        reload: called at SIGHUP.

    Raises:
        UsageError: the address cannot be listened on.
        Interrupted: it was ended at once.
    """
    server = Server(make_app(service), service.front)
    task, first = asyncio.current_task(), 0.0

    def hear(number: signal.Signals) -> None:
        nonlocal first
        if number == getattr(signal, "SIGHUP", None):
            reload()
        elif not service.stopping.is_set():
            first = time.monotonic()
            service.log.say("ending", "ending: what was begun is finished first; a second signal ends at once")
            service.stopping.set()
        elif time.monotonic() - first >= ECHO_SECONDS and task is not None:
            task.cancel()

    with heard_by(hear, ignored_after=service.stopping.is_set):
        try:
            await _serve(service, server)
        except asyncio.CancelledError:
            raise Interrupted(
                "Ended at once: what was under way was not waited for",
                next_step="Nothing that was acknowledged is lost; the next start goes on with it.",
            ) from None


async def _serve(service: Service, server: Server) -> None:
    for name, error in service.broken.items():
        service.log.say("environment-broken", error.message, level="error", environment=name, code=error.code)
    names = ", ".join(service.environments)
    service.log.say("serving", f"serving {names} at {server.url}", url=server.url)
    try:
        await server.run_until(service.stopping)
        await _ended(service)
    finally:
        await close(service)
    service.log.say("ended", "ended in order")


async def _ended(service: Service) -> None:
    """Wait for what runs beside the requests: it was told to stop."""
    while service.tasks:
        await asyncio.gather(*service.tasks, return_exceptions=True)


async def close(service: Service) -> None:
    """End what still runs, and close the ledgers."""
    tasks = tuple(service.tasks)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    for served in service.environments.values():
        await served.end_inboxes()
        await asyncio.to_thread(served.close)
