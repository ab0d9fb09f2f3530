"""What the page shows, gathered: of the ledger at most once a second, of live once a minute, however many look.

A list of many environments is gathered less often, so that it costs no more than a list of twenty, and beside whoever
looks: they see what was gathered last, and as of when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.app.overview import brief_facts, facts_of, facts_of_broken, pauses_now
from reconciler.errors import ReconcilerError
from reconciler.http.observe import Silent
from reconciler.reconcile.pause_report import PausesReport
from reconciler.reconcile.paused import NOTHING_PAUSED
from reconciler.serve.background import Hands
from reconciler.serve.crew import STANDS_BY
from reconciler.serve.page.seen_drift import seen_of
from reconciler.sync.monitor.overview import Facts, Fetching, Overview, State, overview

if TYPE_CHECKING:
    from reconciler.reconcile.session import Session
    from reconciler.serve.service import Served, Service

DRIFT = "drift"
"""Name of the loop that looks for drift."""

FEW = 20
"""So many environments are gathered as often as one; of more, each is more seldom by as much."""

_LEDGER_SECONDS = 1.0
_LIVE_SECONDS = 60.0
_FIRST_LOOK_SECONDS = 3.0
_SESSION_LASTS = timedelta(seconds=60)
_NOT_YET = "it is being asked"
_BEING_READ = "It is being read: look again in a moment"


class _Seen(Struct):
    """What was gathered of one environment, and when."""

    served: Served | None = None
    session: Session | None = None
    facts: dict[bool, tuple[float, Facts]] = {}
    """By whether it is all of them or only what a list shows: when they were gathered, and what."""
    live: PausesReport | str | None = None
    live_at: float | None = None
    asking: asyncio.Task[None] | None = None
    gathering: asyncio.Task[Overview] | None = None
    listed: Overview | None = None
    """What a list of many showed last."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def gathered(self, task: asyncio.Task[Overview]) -> None:
        """Note what was gathered for a list of many."""
        self.gathering = None
        if not task.cancelled() and task.exception() is None:
            self.listed = task.result()

    def fresh(self, *, whole: bool, seconds: float) -> Facts | None:
        """Return what was gathered within so many seconds, where that is as much as is asked for; else None."""
        for all_of_it in (True,) if whole else (True, False):
            at, facts = self.facts.get(all_of_it, (0.0, None))
            if facts is not None and monotonic() - at < seconds:
                return facts
        return None


class Glances:
    """Environments of a service at a glance.

    Args:
        service: the process.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._seen: dict[str, _Seen] = {}
        # Of their own, so that whoever looks at two hundred environments keeps no delivery waiting.
        self._reading = {True: Hands(4, "page"), False: Hands(4, "page-list")}
        self._asking = Hands(4, "page-live")

    @property
    def names(self) -> tuple[str, ...]:
        """The environments, those that are broken too."""
        return tuple(sorted({*self._service.environments, *self._service.broken}))

    async def several(self, names: Sequence[str]) -> list[Overview]:
        """Return environments, each of `names`, with as much as a list shows."""
        if len(names) <= FEW:
            return list(await asyncio.gather(*(self._one(name, whole=False, share=1.0) for name in names)))
        share = len(names) / FEW
        tasks = [task for name in names if (task := self._gather(name, share)) is not None]
        if tasks:  # those of which nothing is known so far
            await asyncio.wait(tasks, timeout=_FIRST_LOOK_SECONDS)
        return [self._listed(name) for name in names]

    def _gather(self, name: str, share: float) -> asyncio.Task[Overview] | None:
        """Begin to gather what a list shows of one of many; return that where nothing is known of it so far."""
        seen = self._seen.setdefault(name, _Seen())
        served = self._service.environments.get(name)
        if seen.gathering is None and not (seen.served is served and seen.fresh(whole=False, seconds=share)):
            seen.gathering = self._service.start(self._one(name, whole=False, share=share), f"{name} for the list")
            seen.gathering.add_done_callback(seen.gathered)
        return seen.gathering if seen.listed is None else None

    def _listed(self, name: str) -> Overview:
        """Return what a list of many shows of one now."""
        listed = self._seen[name].listed
        if listed is not None:
            return listed
        return Overview(Facts(name), self._service.now(), State.UNKNOWN, "Not known yet", (_BEING_READ,))

    async def of(self, name: str) -> Overview:
        """Return an environment by its name, which has to be one of `names`."""
        return await self._one(name, whole=True, share=1.0)

    async def _one(self, name: str, *, whole: bool, share: float) -> Overview:
        now = self._service.now()
        served = self._service.environments.get(name)
        if served is None:
            return overview(facts_of_broken(name, self._service.broken[name]), now)
        seen = self._seen.setdefault(name, _Seen())
        async with seen.lock:
            if seen.served is not served:  # the manifests were read anew
                seen.served, seen.session, seen.live_at, seen.listed = served, None, None, None
                seen.facts.clear()
            facts = seen.fresh(whole=whole, seconds=_LEDGER_SECONDS * share)
            if facts is None:
                facts = await self._read(served, seen, now, whole=whole)
                seen.facts[whole] = monotonic(), facts
        if facts.error is None and seen.session is not None:
            await self._look(served, seen.session, seen, share)
            facts = _with_live(facts, seen.live)
        return overview(facts, now)

    def forget(self, name: str) -> None:
        """Gather all of an environment anew at the next look: something was done to it."""
        if (seen := self._seen.get(name)) is not None:
            seen.facts.clear()
            seen.live_at = seen.listed = None

    async def _read(self, served: Served, seen: _Seen, now: datetime, *, whole: bool) -> Facts:
        def read() -> tuple[Session, Facts]:
            # A session knows which declared pauses are over when it is opened.
            known = seen.session
            session = served.reopened(now) if known is None or now - known.opened_at >= _SESSION_LASTS else known
            return session, _gathered(served, session, now, whole=whole)

        try:
            seen.session, facts = await self._reading[whole].call(read)
        except ReconcilerError as error:
            return facts_of_broken(served.name, error)
        return self._with_process(facts, served)

    def _with_process(self, facts: Facts, served: Served) -> Facts:
        """Add what this process knows by itself: what its loops and consumers wait for."""
        waits = {loop: words for (name, loop), words in tuple(self._service.waits.items()) if name == served.name}
        waits = {loop: words for loop, words in waits.items() if words != STANDS_BY}
        fetching = (
            Fetching(each.name, each.data_sync, each.waiting_for, each.lag, each.taken, each.malformed, each.missed)
            for each in served.consumers
        )
        return replace(
            facts,
            drift_problem=waits.pop(DRIFT, None),
            waits=tuple(f"{loop} waits: {words}" for loop, words in sorted(waits.items())),
            fetching=tuple(fetching),
        )

    async def _look(self, served: Served, session: Session, seen: _Seen, share: float) -> None:
        """Ask live again where the last answer is old; whoever looks first waits for it a little, nobody else does."""
        if seen.asking is None and (seen.live_at is None or monotonic() - seen.live_at >= _LIVE_SECONDS * share):
            seen.asking = self._service.start(self._asked(session, seen), f"pauses of {served.name}")
        if seen.live is None and seen.asking is not None and share == 1:
            await asyncio.wait((seen.asking,), timeout=_FIRST_LOOK_SECONDS)

    async def _asked(self, session: Session, seen: _Seen) -> None:
        try:
            seen.live = await self._asking.do(lambda: pauses_now(session, Silent()))
        except ReconcilerError as error:
            seen.live = error.message
        finally:
            seen.live_at, seen.asking = monotonic(), None


def _gathered(served: Served, session: Session, now: datetime, *, whole: bool) -> Facts:
    settings = served.section.settings
    heard = {each.data_sync for each in settings.deliveries} | {each.data_sync for each in settings.consumers}
    facts = facts_of(session, now, heard) if whole else brief_facts(session, now)
    with session.access.reading() as ledgers:
        kept = ledgers.drift_look(session.settings.ledger, served.name)
    return replace(facts, drift=None if kept is None else seen_of(kept))


def _with_live(facts: Facts, live: PausesReport | str | None) -> Facts:
    if isinstance(live, PausesReport):
        return replace(facts, pauses=live, paused=NOTHING_PAUSED)
    return replace(facts, paused=replace(facts.paused, unseen=live or _NOT_YET))


def refresh_after(overviews: Sequence[Overview]) -> timedelta:
    """Return after how long a page that is live is worked out anew: sooner while something runs, later for many."""
    running = any(status.going is not None for each in overviews for status in each.facts.statuses)
    return timedelta(seconds=2 if running else 5) * max(len(overviews) / FEW, 1.0)
