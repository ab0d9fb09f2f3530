"""A data type of a dozen lines, an API of one sync log, and an engine that runs them in milliseconds.

Things are texts by key; lists show what stands before a `|`. What the site holds is what was written; whatever is asked
of either side can be made to fail.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

from msgspec.structs import replace

from reconciler.errors import ApiError, NotFound, ServerFault
from reconciler.http.observe import Silent
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.sync.datatype import Census, NotBegun, Observation, Reading, SyncLog, TargetState, Written
from reconciler.sync.mode import Mode
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run import crew, log_pace, recorder, runner, synclog
from reconciler.sync.run.context import Job
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.report import RunReport
from reconciler.sync.run.traffic import Traffic
from reconciler.sync.settings import SyncSettings
from reconciler.sync.told import digests
from support import postgres
from support.levels import Levels, levels_of

SETTINGS = SyncSettings(
    name="things",
    integration="test",
    interval=timedelta(minutes=15),
    look_interval=timedelta(hours=1),
    walk_interval=timedelta(hours=24),
    freshness=timedelta(hours=2),
    max_held_back_percent=10,
    max_open_problems=5,
    max_delete_percent=50,
)
GONE = b"-"
LOG = SyncLog("things")
SCOPE = DataScope("test", "https://site#demo", "test", "things")


class Killed(BaseException):
    """The process is gone from one moment to the next, as far as the ledger can tell."""


@dataclass
class Things:
    """The data type, its source and its sink in one."""

    there: dict[str, str] = field(default_factory=dict)
    site: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    unlisted: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    without_id: set[str] = field(default_factory=set)
    came: list[tuple[str, str]] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    due: dict[str, datetime] = field(default_factory=dict)
    fails: dict[str, Callable[[], BaseException | None]] = field(default_factory=dict)
    problems: set[str] = field(default_factory=set)
    held_back: set[str] = field(default_factory=set)
    was: dict[str, str] = field(default_factory=dict)
    """Keys that records had before, as far as they themselves tell."""
    walked: list[str | None] = field(default_factory=list)
    """What each range began with that was listed."""
    between: set[str] = field(default_factory=set)
    """Keys that no range has."""
    remarks: tuple[str, ...] = ()
    held: asyncio.Event | None = None
    clock: Callable[[], datetime] | None = None
    """What the source's clock showed when the run began, by what is known now."""
    digest: str = "one"
    counts: Counter[str] = field(default_factory=Counter)
    breaker: Any = None
    reading: Any = None

    name, noun, parts, flowing, roles, lists, probe = "things", "thing", ("body",), ("body",), (), {}, "probe"
    inside = MappingProxyType({"body": "the inside"})
    entries, id_form, ends = ("thing", "things"), "the ID of a thing", "discontinued"
    walk_interval = None
    lights: bool = True
    log: SyncLog | None = LOG
    word: str | None = None
    """What names whatever the site holds."""
    reserved: frozenset[str] = frozenset()
    left_alone: bool = False
    """Whether the site keeps what is gone or left the scope."""
    clock_offset = timedelta()

    def remedy(self, code: str, external_ids: Any) -> str | None:
        return f"Mend {code}." if code == "bad" else None

    def link(self, external_id: str, api_url: str) -> str:
        return f"{api_url}/{external_id}"

    def record_of(self, external_id: str) -> str | None:
        return external_id or None

    def source(self, reader: Any, breaker: Any) -> Things:
        self.reading = breaker
        return self

    def sink(self, writer: Any, breaker: Any, stopping: Callable[[], bool]) -> Things:
        self.breaker, self.stopping, self.counts = breaker, stopping, Counter()
        return self

    def time_at(self, moment: float) -> datetime | None:
        return self.clock() if self.clock is not None else None

    # Mapping

    def key(self, record: tuple[str, str]) -> str:
        return record[0]

    def look(self, record: tuple[str, str]) -> bytes | None:
        return record[1].partition("|")[0].encode()

    def told(self, record: tuple[str, str]) -> dict[str, str]:
        return digests({"text": record[1]}, ["text"])

    def map(self, record: tuple[str, str], now: datetime, facts: Any) -> Any:
        return SimpleNamespace(key=record[0], text=record[1])

    def names(self, draft: Any, held: Any) -> list[tuple[str, str]]:
        return []

    def resolve(self, draft: Any, taken: Any, held: Any) -> TargetState:
        key = draft.key
        if key in self.held_back:
            problem = RecordProblem(key, "body", "bad", f"{key} is bad.")
            return TargetState(key=key, prints={}, problems=(problem,), held_back=True)
        problems = (RecordProblem(key, "body", "bad", f"{key} is bad."),) if key in self.problems else ()
        prints = {"body": draft.text.encode()}
        return TargetState(key=key, prints=prints, problems=problems, due=self.due.get(key), was=self.was.get(key))

    def lost(self, held: Any) -> Any:
        return {}

    def returned(self, held: Any, found: Any) -> Any:
        return held

    def held_names(self, held: Any) -> list[tuple[str, str]]:
        return []

    def named(self, held: Any) -> str | None:
        return self.word

    @property
    def keeps_gone(self) -> bool:
        return self.left_alone

    def deleted(self, key: str, taken: Any, held: Any, *, outside: bool) -> TargetState:
        if self.left_alone:
            why = "left the scope" if outside else "is gone"
            return TargetState(key=key, prints={}, gone=True, problems=(RecordProblem(key, "body", "left", why),))
        return TargetState(key=key, prints={"body": GONE}, gone=True)

    def not_listed(self, key: str) -> RecordProblem:
        return RecordProblem(key, "body", "not-listed", f"{key} is in no list.")

    # The source

    async def census(self) -> Census:
        self.may_fail("census")
        return Census(len(self.there))

    async def everything(self) -> Any:
        for key, text in list(self.there.items()):
            if key not in self.unlisted | self.outside:
                self.may_fail(f"list {key}")
                if f"page {key}" in self.fails:
                    await self.reading.repeat(lambda key=key: self._page(key))
                if self.held is not None:
                    await self.held.wait()
                yield [(key, text)]

    async def _page(self, key: str) -> None:
        self.may_fail(f"page {key}")

    def ranges(self, keys: Any) -> list[dict[str, Any]]:
        bounds = sorted(set(keys))
        pairs = zip([None, *bounds], [*bounds, None], strict=True)
        return [{"low": low, "high": high} for low, high in pairs] if bounds else []

    async def everything_in(self, bounds: Any) -> Any:
        low, high = bounds["low"], bounds["high"]
        self.walked.append(low)
        async with aclosing(self.everything()) as chunks:
            async for [(key, text)] in chunks:
                if (low is None or key >= low) and (high is None or key < high) and key not in self.between:
                    yield [(key, text)]

    async def listed(self) -> Any:
        for key, text in list(self.there.items()):
            if key not in self.unlisted | self.outside:
                self.may_fail(f"list {key}")
                if key in self.without_id:
                    self.came.append((key, text))
                yield {} if key in self.without_id else {key: self.look((key, text))}

    def nameless(self) -> list[tuple[str, str]]:
        found, self.came = self.came, []
        return found

    async def changed_since(self, moment: datetime) -> Any:
        if self.held is not None:
            await self.held.wait()
        yield [(key, self.there[key]) for key in self.changed if key not in self.outside]

    async def some(self, keys: Any) -> list[tuple[str, str]]:
        self.reads.update(list(keys))
        hidden = self.unlisted | self.outside | self.stale
        return [(key, self.there[key]) for key in keys if key in self.there and key not in hidden]

    async def one(self, key: str) -> Reading[tuple[str, str]]:
        self.asked.append(key)
        found = self.there.get(key)
        self.may_fail(f"ask {key}")
        return Reading(None if found is None else (key, found), key in self.stale, key in self.outside)

    # The sink

    async def facts(self) -> None:
        self.may_fail("facts")

    async def whole(self, *, sample: bool = False) -> None:
        return None

    async def observe(self, states: Any, whole: Any) -> Observation:
        return await self.observe_held({state.key: {} for state in states}, whole)

    async def observe_held(self, held: Any, whole: Any) -> Observation:
        prints = {key: {"body": self.site[key].encode() or GONE} if key in self.site else {} for key in held}
        return Observation(prints, frozenset(held.keys() - self.site.keys()))

    async def write(self, state: TargetState, parts: Any) -> Written:
        if self.stopping():
            raise NotBegun
        await self.breaker.repeat(lambda: self._send(state), tries=3)
        self.counts["body"] += 1
        return Written(frozenset(parts))

    async def _send(self, state: TargetState) -> None:
        self.sent.append(state.key)
        self.may_fail(state.key)
        self.site[state.key] = "" if state.gone else state.prints["body"].decode()

    def why_failed(self, error: ApiError) -> str:
        return error.message

    def may_fail(self, what: str) -> None:
        if what in self.fails and (error := self.fails[what]()) is not None:
            raise error


@dataclass
class Site:
    """The target's API as the engine itself uses it: a sync log, and a probe."""

    log: dict[str, Any] | None = None
    errors: dict[str, str] = field(default_factory=dict)
    clock_offset: timedelta = timedelta()
    away: bool = False
    fails: dict[str, Callable[[], BaseException | None]] = field(default_factory=dict)
    """What is asked for a failure before a write of the log is done, and after it: `put`, `put after` …"""

    async def get(self, path: str, params: Any = None) -> Any:
        if path == "probe":
            if self.away:
                raise ServerFault("HTTP 503")
            return []
        if self.log is None:
            raise NotFound("no log", status=404)
        return {**self.log, "error_count": len(self.errors)}

    async def put(self, path: str, body: Any) -> None:
        self.may_fail("put")
        self.errors = {}
        kept = {name: value for name, value in (self.log or {}).items() if name == "last_partial_sync"}
        self.log = kept | {name: value for name, value in body.items() if name != "errors"}
        self.may_fail("put after")

    async def patch(self, path: str, body: Any) -> None:
        if self.log is None:
            raise NotFound("no log", status=404)
        dated = any(name.startswith("last_") for name in body)
        self.may_fail("date" if dated else "patch")
        self.errors |= {each["external_id"]: each["message"] for each in body.get("errors", ())}
        for key in body.get("resolved_external_ids", ()):
            self.errors.pop(key, None)
        self.log |= {name: value for name, value in body.items() if name.startswith(("last_", "started_"))}
        self.may_fail("date after" if dated else "patch after")

    def may_fail(self, what: str) -> None:
        if what in self.fails and (error := self.fails[what]()) is not None:
            raise error


@dataclass
class Engine:
    """An engine with a ledger, a clock that is set by hand, and a world to sync."""

    levels: Levels
    things: Things = field(default_factory=Things)
    site: Site = field(default_factory=Site)
    settings: SyncSettings = SETTINGS
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    tick: timedelta = timedelta()
    patience: float = 5.0
    gives_back: float | None = None
    shared: dict[str, str] = field(default_factory=dict)
    """By API, under what the ledger keeps that it is away."""
    overrides: dict[str, str] = field(default_factory=dict)
    unheard: dict[str, str] = field(default_factory=dict)
    """By part, why its messages cannot come."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def job(self) -> Job:
        connection: Any = self.site
        return Job(
            settings=self.settings,
            data=self.things,
            source=connection,
            target=connection,
            writer=connection,
            store=self.levels.store,
            source_url="https://source",
            holder="test",
            source_traffic=Traffic("source", "Source", Silent()),
            target_traffic=Traffic("target", "Target", Silent()),
            now=self.tell,
            patience=self.patience,
            overrides=self.overrides,
            unheard=lambda: self.unheard,
            gives_back=self.gives_back,
            shared=self.shared,
        )

    def hand(self) -> Job:
        """The job of another process: the same world, and a store and a sink of its own."""
        ledger = Ledger(self.levels.store.database)
        things = dataclasses.replace(self.things, held=None)
        traffic = {f"{each}_traffic": Traffic(each, each, Silent()) for each in ("source", "target")}
        return replace(
            self.job(),
            data=things,
            store=ledger.store(SCOPE),
            holder="hand",
            **traffic,
        )

    def run(
        self, mode: Mode | None = None, on_progress: Callable[[Progress], None] = lambda _: None, *, held: bool = False
    ) -> RunReport:
        """Run once, under the lock."""
        self.later(minutes=1)
        self.things.sent.clear()
        self.things.asked.clear()

        async def once() -> RunReport:
            self.stop = asyncio.Event()
            self.things.held = self.stop if held else None
            with self.levels.lock("test"):
                return await runner.run_sync(self.job(), mode, stop=self.stop, on_progress=on_progress)

        return asyncio.run(once())

    def tell(self) -> datetime:
        self.now += self.tick
        return self.now

    def level(self, key: str) -> Any:
        return self.levels.levels([key])[key]

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@contextmanager
def open_engine(folder: Path, **there: str) -> Iterator[Engine]:
    """Within, an engine with a ledger of its own and these things at the source.

    The ledger is a file; RECONCILER_TEST_LEDGER=postgres: on PostgreSQL.
    """
    on_server = os.environ.get("RECONCILER_TEST_LEDGER") == "postgres"
    url = postgres.new_ledger() if on_server else f"sqlite:///{folder / 'ledger.db'}"
    try:
        with Ledger.open(url) as ledger:
            yield Engine(levels_of(ledger, SCOPE), Things(there=dict(there)))
    finally:
        if on_server:
            postgres.drop(url)


def quick(monkeypatch: Any) -> None:
    """Let nothing in the engine wait longer than a blink."""
    asleep = asyncio.sleep

    async def blink(seconds: float) -> None:
        await asleep(seconds / 10_000)

    monkeypatch.setattr("asyncio.sleep", blink)
    monkeypatch.setattr(recorder, "_LINGER", 0.0)
    monkeypatch.setattr(log_pace, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(runner, "_BEAT_SECONDS", 600.0)
    for module in (crew, synclog):
        monkeypatch.setattr(module, "_EVERY_SECONDS", 600.0)


async def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something has happened of which nobody tells."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)
