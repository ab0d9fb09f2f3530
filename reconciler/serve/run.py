"""Run a service until a signal: loops, consumers and routes, other manifests at SIGHUP, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.app.signals import ECHO_SECONDS, heard_by
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.report.log import Warnings
from reconciler.serve.asgi import make_app
from reconciler.serve.checks import shadowed_sites
from reconciler.serve.consuming import consume
from reconciler.serve.crew import Crew
from reconciler.serve.loops import crew_of
from reconciler.serve.server import Server
from reconciler.serve.service import Served, Service
from reconciler.workers.ending import Ending

if TYPE_CHECKING:
    from reconciler.serve.start import Opened
    from reconciler.workers.waker import Waker

SEEN_SECONDS = 15.0
"""How often the ledger is told that the process lives, and which manifests it has."""
_UNWRITTEN_SECONDS = 2.0
"""How often, where it did not take that the last time."""

_AWAY_SECONDS = 30.0
"""How long what answered with older manifests may still answer with them."""


async def serve(
    service: Service,
    reopen: Callable[[], Opened] | None = None,
    *,
    only_intake: bool = False,
    works: bool = True,
) -> None:
    """Serve until a first signal, then end what was begun; a second signal ends it at once. See `Ending`.

    Args:
        service: opened and checked.
        reopen: reads the manifests anew, at SIGHUP; None: nothing does.
        only_intake: whether it only takes messages in, and runs no loops.
        works: whether it runs data syncs; else they are left to workers.

    Raises:
        UsageError: the address cannot be listened on.
        Interrupted: it was ended at once.
    """
    # What is to be said is in our log; uvicorn would write tracebacks beside it.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    logging.getLogger("uvicorn").propagate = False
    logging.getLogger("reconciler.ledger").addHandler(Warnings(service.log))
    duty = Duty(service, reopen, only_intake=only_intake, works=works)
    server = Server(make_app(service, only_intake=only_intake), service.front)
    ending, first = Ending(asyncio.current_task(), service.log), 0.0

    def hear(number: signal.Signals) -> None:
        nonlocal first
        if number == getattr(signal, "SIGHUP", None):
            server.renew_certificate()
            duty.reload()
        elif not service.stopping.is_set():
            first = time.monotonic()
            service.log.say("ending", "ending: what was begun is finished first; a second signal ends at once")
            duty.end()
            ending.begin()
        elif time.monotonic() - first >= ECHO_SECONDS:
            ending.hurry()

    with heard_by(hear, ignored_after=service.stopping.is_set):
        try:
            tell_broken(service)
            names = ", ".join(service.environments)
            service.log.say("serving", f"serving {names} at {server.url}", url=server.url)
            duty.begin()
            await server.run_until(service.stopping)
            await duty.ended()
        except asyncio.CancelledError:
            raise Interrupted(
                "Ended at once: what was under way was not waited for",
                next_step="Nothing that was acknowledged is lost; the next start goes on with it.",
            ) from None
        finally:
            await close(service)
    service.log.say("ended", "ended in order")
    ending.in_order()


def tell_broken(service: Service) -> None:
    """Log why environments are not served, and which are not by Ignite, as another one is in their place."""
    for name, error in service.broken.items():
        service.log.refuse("environment-broken", error, environment=name)
    for name, first in shadowed_sites(service.environments.values()):
        words = f"SparkLayer never reaches {name} by Ignite: {first} has the same siteEnv and siteId, and answers"
        service.log.say("ignite-site-twice", words, level="warning", environment=name)


class Duty:
    """What a process does beside its requests, for the environments that it serves.

    Args:
        service: opened and checked.
        reopen: reads the manifests anew.
        only_intake: whether it runs no loops.
        works: whether it runs data syncs.
    """

    def __init__(
        self,
        service: Service,
        reopen: Callable[[], Opened] | None = None,
        *,
        only_intake: bool = False,
        works: bool = True,
    ) -> None:
        self._service = service
        self._reopen = reopen
        self._only_intake = only_intake
        self._works = works and not only_intake
        self._crews: list[Crew] = []
        self._consuming: list[asyncio.Event] = []
        self._reloading: asyncio.Task[None] | None = None
        self._again = False

    def begin(self) -> None:
        """Begin the loops and the consumers of all environments, and tell the ledgers of it."""
        self._begin()
        self._service.start(self._seen(), "signs of life")

    def end(self) -> None:
        """Ask all of it to end soon, and the requests too."""
        self._service.stopping.set()
        for crew in self._crews:
            crew.end(within=True)
        for stop in self._consuming:
            stop.set()

    async def ended(self) -> None:
        """Wait for the end of all of it."""
        while tasks := tuple(self._service.tasks):
            await asyncio.gather(*tasks, return_exceptions=True)

    def reload(self) -> None:
        """Read the manifests anew, and go on with them once no run is on."""
        if self._reloading is not None and not self._reloading.done():
            self._again = True
            words = "a run is still on: the manifests are read once more when it has ended"
            self._service.log.say("reload-waits", words)
        elif self._reopen is not None and not self._service.stopping.is_set():
            self._reloading = self._service.start(self._reload(self._reopen), "reading the manifests anew")

    def _begin(self) -> None:
        if not self._only_intake:
            environments = self._service.environments.values()
            self._crews = [crew_of(self._service, each, works=self._works) for each in environments]
            for crew in self._crews:
                crew.start()
        self._consuming = []
        for served in self._service.environments.values():
            if not self._works and served.session.settings.ledger.path is None:
                served.waker = wake_workers(self._service, served)
            if served.section.settings.consumers:
                stop = asyncio.Event()
                self._consuming.append(stop)
                self._service.start(consume(self._service, served, stop), f"{served.name}: consumers")

    async def _reload(self, reopen: Callable[[], Opened]) -> None:
        service = self._service
        self._again = False
        try:
            opened = await asyncio.to_thread(reopen)
        except ReconcilerError as error:
            before = "the manifests cannot be read, and those from before still hold: "
            service.log.refuse("reload-refused", error, before)
            return
        service.log.say("reloading", "the manifests were read; they hold once no run is on")
        for crew in self._crews:
            crew.end()
        for stop in self._consuming:
            stop.set()
        await asyncio.gather(*(crew.ended() for crew in self._crews))
        old = service.environments
        service.serve_these(opened.served, opened.broken)
        service.start(_let_go(service, tuple(old.values())), "letting go of the manifests from before")
        if service.stopping.is_set():
            return
        self._begin()
        service.log.say("reloaded", f"the manifests hold: serving {', '.join(service.environments)}")
        tell_broken(service)
        if self._again:
            await self._reload(reopen)

    async def _seen(self) -> None:
        """Tell each ledger that this process lives, and which manifests it has."""
        service = self._service
        # Whose ledgers took something: one that never does, such as one that may only be read, is nobody's outage.
        signed: set[str] = set()
        while not service.stopping.is_set():
            unwritten: set[str] = set()
            for served in service.environments.values():
                waits = "; ".join(service.waits_of(served.name)) or None
                try:
                    await asyncio.to_thread(served.sign, service.holder, waits)
                except ReconcilerError:
                    unwritten.add(served.name)
                else:
                    signed.add(served.name)
            service.unwritten = frozenset(unwritten & signed)
            with suppress(TimeoutError):
                seconds = _UNWRITTEN_SECONDS if service.unwritten else SEEN_SECONDS
                await asyncio.wait_for(service.stopping.wait(), seconds)


def wake_workers(service: Service, served: Served) -> Waker:
    """Wake workers from now on where an inbox of an environment raised something."""
    from reconciler.workers.waker import Waker

    def lost(error: ReconcilerError) -> None:
        words = f"workers find by themselves what came, some seconds later: {error.message}"
        service.log.say("wakes-nobody", words, level="warning", environment=served.name, code=error.code)

    def types(name: str) -> tuple[str, ...]:
        return tuple(sync.type for sync in served.data_syncs() if sync.name == name)

    waker = Waker(served.session.settings.ledger, served.name, types, lost)
    served.on_inbox = waker.watch
    return waker


async def _let_go(service: Service, old: tuple[Served, ...]) -> None:
    """Close what was served before, once no request can still use it."""
    for served in old:
        await asyncio.to_thread(served.sign_off)
    with suppress(TimeoutError):
        await asyncio.wait_for(service.stopping.wait(), _AWAY_SECONDS)
    for served in old:
        await served.end_inboxes()
        await asyncio.to_thread(served.close)
    used = [served.session.settings.ledger for served in service.environments.values()]
    await asyncio.to_thread(service.access.keep, used)


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
    # Last: a connection that is used while the others are closed would stay open.
    await asyncio.to_thread(service.access.close)
