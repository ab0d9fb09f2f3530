"""One rate per API for all processes of a ledger: each is given its part for moments, by the database's clock.

A thread asks, so that nobody else waits for the database; it asks about twice a second for all that somebody here waits
for, and not at all while nobody does. Where the database cannot be asked nothing is given.

On SQLite nothing of this is used: the processes of one machine keep to their rates by themselves, as a plan must not
write there, and a moment of each would be a durable commit.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from secrets import token_hex

from msgspec import Struct
from sqlalchemy import bindparam, select, update

from reconciler.errors import LedgerError
from reconciler.http.limit import Limit, Turn
from reconciler.http.shared_limit import Portion, SharedClock, SharedLimit
from reconciler.ledger.database import Database, Transaction, open_existing
from reconciler.ledger.rate_tables import rate_limits
from reconciler.ledger.rows import insert_new
from reconciler.ledger.told_rates import read_quota, shown_quotas
from reconciler.ledger.url import LedgerUrl
from reconciler.quota import ROUND, Ask, Grant, Quota, Share

_LONGEST_DELAY = 0.4
"""Part of a round within which the processes ask, each at a time of its own."""

_PAUSE_SECONDS = 0.25
"""After the database could not be asked."""

_PATIENCE_SECONDS = 60.0
"""How long the database may not be asked before those who wait are told."""

_TOGETHER_SECONDS = 0.01
"""What is due within so many seconds is asked for at once."""

_END_SECONDS = 2.0


class Exchange(Struct, frozen=True):
    """What one process asks of one rate: `token` names it there; `ask` None: it ends."""

    key: str
    token: str
    ask: Ask | None


class Answered(Struct, frozen=True):
    """What the database answered, in the order of asking, and what its clock showed between two moments of ours."""

    grants: Sequence[Grant]
    shown: float
    before: float
    after: float


class RateStore:
    """The rates that processes share, in an open ledger. Every method is one transaction.

    Args:
        database: of the open ledger.
        monotonic: our own clock.
    """

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic

    def exchange(self, asked: Sequence[Exchange]) -> Answered:
        """Take what is asked for, of several rates at once.

        Raises:
            LedgerError: the database cannot be written.
        """
        keys = sorted({each.key for each in asked})
        before = self._monotonic()

        def work(tx: Transaction) -> Answered:
            after = self._monotonic()
            quotas = self._locked(tx, keys)
            # The clock of the database goes on while others have what we wait for.
            now = tx.now.timestamp() + self._monotonic() - after
            grants = [_exchanged(quotas[each.key], each, now) for each in asked]
            rows = [{"of": key, "new": quota.data()} for key, quota in quotas.items()]
            tx.connection.execute(_WRITE, rows)
            return Answered(grants, tx.now.timestamp(), before, after)

        return self._database.run(work)

    def _locked(self, tx: Transaction, keys: Sequence[str]) -> dict[str, Quota]:
        rows = tx.connection.execute(_READ, {"keys": list(keys)}).all()
        if len(rows) < len(keys):
            new = Quota(tx.now.timestamp())
            began = self._database.began(tx.connection)
            if began is not None:  # what was given before that may still be used
                new.free_at = (began + timedelta(seconds=2 * ROUND)).timestamp()
            missing = [key for key in keys if all(row.key != key for row in rows)]
            insert_new(tx.connection, rate_limits, [{"key": key, "quota": new.data()} for key in missing])
            rows = tx.connection.execute(_READ, {"keys": list(keys)}).all()
        return {row.key: read_quota(row.quota, tx.now) for row in rows}

    def shown(self, keys: Sequence[str]) -> tuple[dict[str, Quota], datetime]:
        """Return what is known of some rates, and the time; nothing is written."""
        return self._database.run(lambda tx: (shown_quotas(tx, keys), tx.now), writes=False)


_READ = (
    select(rate_limits)
    .where(rate_limits.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(rate_limits.c.key)
    .with_for_update()
)
_WRITE = update(rate_limits).where(rate_limits.c.key == bindparam("of")).values(quota=bindparam("new"))


def _exchanged(quota: Quota, asked: Exchange, now: float) -> Grant:
    if asked.ask is not None:
        return quota.exchange(asked.token, asked.ask, now)
    quota.leave(asked.token, now)
    return Grant()


def _is_due(portion: Portion) -> bool:
    seconds = portion.seconds_left
    return seconds is not None and seconds <= _TOGETHER_SECONDS


class Fleet:
    """This process among those that share the rates of a ledger.

    Args:
        url: of the ledger, on PostgreSQL.
        monotonic: our own clock.
    """

    def __init__(self, url: LedgerUrl, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._token = token_hex(4)
        self._delay = int(self._token, 16) / 2**32 * _LONGEST_DELAY
        self._clock = SharedClock(monotonic)
        self._lock = threading.Lock()
        self._portions: dict[tuple[str, Share], tuple[Portion, str]] = {}
        self._users: dict[tuple[str, Share], int] = {}
        self._left: list[Exchange] = []
        self._wake = threading.Event()
        self._ends = False
        self._thread: threading.Thread | None = None

    def enter(self, key: str, share: Share) -> Portion:
        """Return our portion of a rate; `leave` it after use."""
        with self._lock:
            if (key, share) not in self._portions:
                token = f"{self._token}-{token_hex(2)}"
                self._portions[key, share] = Portion(share, self._clock, self._woken, self._delay), token
            self._users[key, share] = self._users.get((key, share), 0) + 1
            return self._portions[key, share][0]

    def leave(self, key: str, share: Share) -> bool:
        """Give a portion back, once nobody uses it; return whether nobody uses any."""
        with self._lock:
            self._users[key, share] -= 1
            if not self._users[key, share]:
                del self._users[key, share]
                _, token = self._portions.pop((key, share))
                self._left.append(Exchange(key, token, None))
            self._ends = not self._portions
        self._wake.set()
        return self._ends

    def end(self) -> None:
        """Wait until what is given back has reached the ledger, if it can."""
        if self._thread is not None:
            self._thread.join(_END_SECONDS)

    def _woken(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            # A portion's lock may be held: ours is never held while a portion's is waited for.
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name=f"rates {self._url.shown}", daemon=True)
                    self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        try:
            database = open_existing(self._url)
        except LedgerError as error:
            self._fail(error)
            return
        if database is None:
            self._keep_alone(None)
            return
        try:
            store = RateStore(database, self._monotonic)
            if database.may_write():
                self._ask_on(store)
            else:
                self._keep_alone(store)
        except LedgerError as error:
            self._fail(error)
        finally:
            database.close()

    def _ask_on(self, store: RateStore) -> None:
        last_answer = self._monotonic()
        while True:
            self._wake.wait(self._seconds_left())
            self._wake.clear()
            with self._lock:
                left, self._left = self._left, []
                ends = self._ends
            due = [each for each in self._ours() if _is_due(each[1])]
            asked = [*left, *(Exchange(key, token, portion.ask()) for key, portion, token in due)]
            try:
                if asked:
                    answered = store.exchange(asked)
                    last_answer = self._monotonic()
                    self._clock.observe(answered.shown, answered.before, answered.after)
                    for (_, portion, _), grant in zip(due, answered.grants[len(left) :], strict=True):
                        portion.given(grant)
            except LedgerError as error:
                if self._monotonic() - last_answer > _PATIENCE_SECONDS:
                    self._fail(error)
                time.sleep(0 if ends else _PAUSE_SECONDS)
            if ends:
                return

    def _ours(self) -> list[tuple[str, Portion, str]]:
        with self._lock:
            return [(key, portion, token) for (key, _), (portion, token) in self._portions.items()]

    def _seconds_left(self) -> float | None:
        with self._lock:
            if self._ends or self._left:
                return 0
        moments = [portion.seconds_left for _, portion, _ in self._ours()]
        return min((seconds for seconds in moments if seconds is not None), default=None)

    def _fail(self, error: LedgerError) -> None:
        for _, portion, _ in self._ours():
            portion.failed(error)

    def _keep_alone(self, store: RateStore | None) -> None:
        """Keep to rates of our own, as the ledger cannot be written: while others send, to the share that is kept."""
        while not self._ends:
            portions = [(key, portion) for key, portion, _ in self._ours() if portion.alone_at is None]
            known, now = ({}, None) if store is None else store.shown([key for key, _ in portions])
            for key, portion in portions:
                quota, share = known.get(key), portion.share
                if quota is None or now is None or not quota.is_busy(now.timestamp()):
                    portion.keep_alone(share.rate)
                else:
                    portion.keep_alone(min(share.rate, quota.rate) * share.kept_share)
            self._wake.wait()
            self._wake.clear()


_FLEETS: dict[LedgerUrl, Fleet] = {}
"""By their ledgers, as a process is one among those that share: what it has open, and nothing that outlives that."""

_OPENING = threading.Lock()


@asynccontextmanager
async def shared_limit(ledger: LedgerUrl, key: str, share: Share, turn: Turn | None = None) -> AsyncIterator[Limit]:
    """Within, requests keep to a rate together with all processes of a ledger on PostgreSQL; nothing is asked yet."""
    with _OPENING:
        fleet = _FLEETS.setdefault(ledger, Fleet(ledger))
        portion = fleet.enter(key, share)
    try:
        yield SharedLimit(portion, turn=turn)
    finally:
        with _OPENING:
            is_last = fleet.leave(key, share)
            if is_last:
                _FLEETS.pop(ledger, None)
        if is_last:
            with suppress(asyncio.CancelledError):
                await asyncio.to_thread(fleet.end)
