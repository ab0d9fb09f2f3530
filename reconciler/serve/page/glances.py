"""What the page shows, gathered: of the ledger at most once a second, of live once a minute, however many look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from reconciler.app.overview import facts_of, facts_of_broken, pauses_now
from reconciler.errors import ReconcilerError
from reconciler.http.observe import Silent
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.pause_report import PausesReport
from reconciler.reconcile.paused import NOTHING_PAUSED
from reconciler.serve.crew import STANDS_BY
from reconciler.serve.page.seen_drift import seen_of
from reconciler.sync.monitor.overview import Facts, Fetching, Overview, overview

if TYPE_CHECKING:
    from reconciler.reconcile.session import Session
    from reconciler.serve.service import Served, Service

DRIFT = "drift"
"""Name of the loop that looks for drift."""

_LEDGER_SECONDS = 1.0
_LIVE_SECONDS = 60.0
_FIRST_LOOK_SECONDS = 3.0
_SESSION_LASTS = timedelta(seconds=60)
_NOT_YET = "it is being asked"


@dataclass(slots=True)
class _Seen:
    """What was gathered of one environment, and when."""

    served: Served | None = None
    session: Session | None = None
    facts: Facts | None = None
    facts_at: float = 0.0
    live: PausesReport | str | None = None
    live_at: float | None = None
    asking: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Glances:
    """Environments of a service at a glance.

    Args:
        service: the process.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._seen: dict[str, _Seen] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The environments, those that are broken too."""
        return tuple(sorted({*self._service.environments, *self._service.broken}))

    async def all(self) -> list[Overview]:
        """Return every environment."""
        return list(await asyncio.gather(*(self.of(name) for name in self.names)))

    async def of(self, name: str) -> Overview:
        """Return an environment by its name, which has to be one of `names`."""
        now = self._service.now()
        served = self._service.environments.get(name)
        if served is None:
            return overview(facts_of_broken(name, self._service.broken[name]), now)
        seen = self._seen.setdefault(name, _Seen())
        async with seen.lock:
            if seen.served is not served:  # the manifests were read anew
                seen.served, seen.session, seen.facts, seen.live_at = served, None, None, None
            if seen.facts is None or monotonic() - seen.facts_at >= _LEDGER_SECONDS:
                seen.facts = await self._read(served, seen, now)
                seen.facts_at = monotonic()
            facts = seen.facts
        if facts.error is None and seen.session is not None:
            await self._look(served, seen.session, seen)
            facts = _with_live(facts, seen.live)
        return overview(facts, now)

    def forget(self, name: str) -> None:
        """Gather all of an environment anew at the next look: something was done to it."""
        if (seen := self._seen.get(name)) is not None:
            seen.facts, seen.live_at = None, None

    async def _read(self, served: Served, seen: _Seen, now: datetime) -> Facts:
        def read() -> tuple[Session, Facts]:
            # A session knows which declared pauses are over when it is opened.
            known = seen.session
            session = served.reopened(now) if known is None or now - known.opened_at >= _SESSION_LASTS else known
            return session, _gathered(served, session, now)

        try:
            seen.session, facts = await asyncio.to_thread(read)
        except ReconcilerError as error:
            return facts_of_broken(served.name, error)
        return self._with_process(facts, served)

    def _with_process(self, facts: Facts, served: Served) -> Facts:
        """Add what this process knows by itself: what its loops and consumers wait for."""
        waits = {loop: words for (name, loop), words in tuple(self._service.waits.items()) if name == served.name}
        waits = {loop: words for loop, words in waits.items() if words != STANDS_BY}
        fetching = (
            Fetching(each.name, each.data_sync, each.waiting_for, each.lag, each.taken, each.malformed)
            for each in served.consumers
        )
        return replace(
            facts,
            drift_problem=waits.pop(DRIFT, None),
            waits=tuple(f"{loop} waits: {words}" for loop, words in sorted(waits.items())),
            fetching=tuple(fetching),
        )

    async def _look(self, served: Served, session: Session, seen: _Seen) -> None:
        """Ask live again where the last answer is old; whoever looks first waits for it a little, nobody else does."""
        if seen.asking is None and (seen.live_at is None or monotonic() - seen.live_at >= _LIVE_SECONDS):
            seen.asking = self._service.start(self._asked(session, seen), f"pauses of {served.name}")
        if seen.live is None and seen.asking is not None:
            await asyncio.wait((seen.asking,), timeout=_FIRST_LOOK_SECONDS)

    async def _asked(self, session: Session, seen: _Seen) -> None:
        try:
            seen.live = await asyncio.to_thread(lambda: asyncio.run(pauses_now(session, Silent())))
        except ReconcilerError as error:
            seen.live = error.message
        finally:
            seen.live_at, seen.asking = monotonic(), None


def _gathered(served: Served, session: Session, now: datetime) -> Facts:
    settings = served.section.settings
    heard = {each.data_sync for each in settings.deliveries} | {each.data_sync for each in settings.consumers}
    facts = facts_of(session, now, heard)
    with Ledgers() as ledgers:
        kept = ledgers.drift_look(session.settings.ledger, served.name)
    return replace(facts, drift=None if kept is None else seen_of(kept))


def _with_live(facts: Facts, live: PausesReport | str | None) -> Facts:
    if isinstance(live, PausesReport):
        return replace(facts, pauses=live, paused=NOTHING_PAUSED)
    return replace(facts, paused=replace(facts.paused, unseen=live or _NOT_YET))


def refresh_after(overviews: list[Overview]) -> timedelta:
    """Return after how long a page that is live is worked out anew: sooner while something runs."""
    running = any(status.going is not None for each in overviews for status in each.facts.statuses)
    return timedelta(seconds=2 if running else 5)
