"""Source records in, what differs out: mapped, settled, compared by fingerprint, written, recorded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.errors import ApiError
from reconciler.ledger.data.model import Level, ProblemRow, Result
from reconciler.ledger.data.store import Levels
from reconciler.ordercloud.readers.records import Product
from reconciler.sparklayer.faults import why_failed
from reconciler.sparklayer.records import Tier
from reconciler.sync.mode import Mode
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.fingerprint import fingerprints
from reconciler.sync.products.mapper import SLUG, Draft, draft
from reconciler.sync.products.model import Held, Name, Part, Wanted, held_from_json, held_to_json
from reconciler.sync.products.resolve import removals, settle
from reconciler.sync.products.sink import NotBegun, Observation, Skus, Target, Written
from reconciler.sync.run.batcher import Group
from reconciler.sync.run.breaker import TRANSIENT
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.settings import SyncSettings

_IN_HAND = 256
_MOST_ATTEMPTS = 5
_FIRST_RETRY = timedelta(seconds=5)
_NOTHING = Observation({}, frozenset())


_HELD_BACK, _FAILED = "held_back", "failed"
_OUTCOMES = ("unchanged", "written", _HELD_BACK, "discontinued", _FAILED)


@dataclass(slots=True)
class Tally:
    """Records of a run by outcome, so far; in the ledger as soon as the records are, but for `problems` and `left`."""

    seen: int = 0
    unchanged: int = 0
    written: int = 0
    held_back: int = 0
    discontinued: int = 0
    failed: int = 0
    problems: int = 0
    left: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Tally:
        """Return the tally of a run that goes on."""
        return cls(**{name: counts.get(name, 0) for name in ("seen", *_OUTCOMES)})

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to what was counted, by name."""
        for name, number in counts.items():
            setattr(self, name, getattr(self, name) + number)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for a whole run.

    Args:
        run_id: in the ledger.
        mode: how to treat what the target should already hold.
        settings: of the DataSync.
        list_currency: of the price list.
        source_url: API base URL of the source, for links.
        source_now: the time in the source's clock.
        prices: what the price list holds, where the run verifies.
        counts: what it counted in earlier processes.
    """

    run_id: str
    mode: Mode
    settings: SyncSettings
    list_currency: str | None
    source_url: str
    source_now: Callable[[], datetime]
    prices: Mapping[str, tuple[Tier, ...]] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a record, and what that adds to what the run counts."""

    result: Result
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Work:
    wanted: Wanted
    level: Level | None
    held: Held
    prints: Mapping[Part, bytes]
    parts: frozenset[Part]
    names: frozenset[Name]
    revision: int | None
    is_claimed: bool


class Pipeline:
    """Brings records to where they should be, many at a time. Use it within the task group that it gets.

    Args:
        circumstances: of the run.
        target: where to write.
        levels: the ledger.
        thread: the ledger's thread.
        hands: tasks run in it; an error of one ends them all.
    """

    def __init__(
        self,
        circumstances: Circumstances,
        target: Target,
        levels: Levels,
        thread: LedgerThread,
        hands: asyncio.TaskGroup,
    ) -> None:
        self._run = circumstances
        self._target = target
        self._levels = levels
        self._thread = thread
        self._hands = hands
        self._slots = asyncio.Semaphore(_IN_HAND)
        self._under_way: set[asyncio.Task[None]] = set()
        self._results: Group[_Done] = Group(thread, self._record)
        # Records that may still come to another outcome in this run.
        self._provisional: dict[str, str] = {}
        self.tally = Tally.of(circumstances.counts)

    async def take(self, products: Sequence[Product], claimed: Mapping[str, Level] | None = None) -> None:
        """Take in records as they were read; return when all of them are in hand or done.

        Args:
            products: the records.
            claimed: their levels as they were before they were read, where they were claimed one by one.

        Raises:
            ApiError: the target could not be read.
            LedgerError: the ledger could not be read or written.
        """
        run = self._run
        drafts = [draft(product, run.settings, run.source_now(), run.list_currency) for product in products]
        levels = await self._thread.call(self._levels.levels, [item.key for item in drafts])
        held = {item.key: _held(levels.get(item.key)) for item in drafts}
        # A SKU stays this record's until its stock is gone from the target.
        names = {item.key: _pairs(item.names_for(held[item.key])) for item in drafts}
        taken = await self._thread.call(self._levels.claim_many, names)
        works: list[tuple[Draft | None, Wanted]] = []
        for item in drafts:
            others = {Name(*pair): owner for pair, owner in taken.get(item.key, {}).items()}
            works.append((item, settle(item, others, held[item.key])))
        await self._take(works, levels, held, claimed or {})

    async def discontinue(self, wanted: Sequence[Wanted], levels: Mapping[str, Level]) -> None:
        """Take in records that are gone at the source; see `take`."""
        held = {item.key: _held(levels.get(item.key)) for item in wanted}
        await self._take([(None, item) for item in wanted], levels, held, {})

    async def drain(self) -> None:
        """Return when everything that was taken in is done."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _take(
        self,
        items: Sequence[tuple[Draft | None, Wanted]],
        levels: Mapping[str, Level],
        held: Mapping[str, Held],
        claimed: Mapping[str, Level],
    ) -> None:
        observed = await self._observe([wanted for _, wanted in items], held)
        quiet: dict[str, int | None] = {}
        busy: list[_Work] = []
        for item, wanted in items:
            level, before = levels.get(wanted.key), held[wanted.key]
            prints = fingerprints(wanted)
            parts = self._differing(wanted, prints, level, observed, before)
            if self._run.mode is Mode.VERIFY and wanted.key not in observed.exists:
                before = replace(before, variants=frozenset())
            if parts or wanted.problems or _tells_something(level, wanted, prints):
                # What is gone keeps its slug in the target.
                names = _slug_of(wanted.held) if item is None else item.names_for(wanted.held)
                claim = claimed.get(wanted.key)
                busy.append(
                    _Work(wanted, level, before, prints, parts, names, _revision(level, claim), claim is not None)
                )
            else:
                quiet[wanted.key] = _revision(level, claimed.get(wanted.key))
        if quiet:
            number = sum(not self._was_counted(levels.get(key)) for key in quiet)
            counts = {"seen": number, "unchanged": number}
            await self._thread.call(self._levels.seen, self._run.run_id, quiet, counts)
            self.tally.add(counts)
        sending = [(work.wanted.key, [part.value for part in work.parts]) for work in busy if work.parts]
        if sending:
            await self._thread.call(self._levels.begin_writes, sending)
        for work in busy:
            await self._slots.acquire()
            task = self._hands.create_task(self._bring(work))
            self._under_way.add(task)
            task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._slots.release()

    async def _observe(self, wanted: Sequence[Wanted], held: Mapping[str, Held]) -> Observation:
        if self._run.mode is not Mode.VERIFY or not wanted:
            return _NOTHING
        records = {item.key: skus_of(item, held[item.key]) for item in wanted}
        return await self._target.observe(records, self._run.settings.parts, self._run.prices)

    def _differing(
        self, wanted: Wanted, prints: Mapping[Part, bytes], level: Level | None, observed: Observation, held: Held
    ) -> frozenset[Part]:
        """The parts that have to be written."""
        known: Mapping[Any, bytes] = {}
        if self._run.mode is Mode.VERIFY:
            known = observed.prints.get(wanted.key, {})
        elif self._run.mode is not Mode.REWRITE and level is not None:
            known = level.prints
        differing = {part for part, value in prints.items() if known.get(part) != value}
        gone = removals(held, wanted)
        differing |= {part for part, skus in ((Part.STOCK, gone.stock), (Part.PRICES, gone.prices)) if skus}
        return frozenset(differing)

    async def _bring(self, work: _Work) -> None:
        wanted = work.wanted
        try:
            written = await self._target.write(wanted, work.parts, work.held) if work.parts else Written(frozenset())
        except NotBegun:
            return
        except TRANSIENT as error:
            await self._fail(work, error)
            return
        problems = [*wanted.problems, *self._refusals(wanted, written)]
        whole = written.done == work.parts
        # What was not written is as it should be: that is why.
        good = written.done | (work.prints.keys() - work.parts)
        result = Result(
            key=wanted.key,
            revision=work.revision,
            prints={part.value: value if part in good else None for part, value in work.prints.items()},
            held=held_to_json(wanted.held if whole else _both(work.held, wanted.held)),
            problems=tuple(self._row(problem) for problem in problems),
            due_at=wanted.due,
            gone=wanted.held.discontinued,
            names=_pairs(work.names) if (wanted.gone_skus or wanted.held.discontinued) and whole else None,
            token=run_token(work.is_claimed, self._run.run_id),
            written=bool(written.done),
        )
        counts = self._counts(work, self._outcome(wanted, written))
        await self._results.add(_Done(result, counts))
        self.tally.add(counts)
        self.tally.problems += bool(problems) and "seen" in counts

    def _outcome(self, wanted: Wanted, written: Written) -> str:
        if written.done:
            return "discontinued" if wanted.held.discontinued else "written"
        if written.refused or (wanted.product is None and Part.PRODUCT in self._run.settings.parts):
            return _HELD_BACK
        return "unchanged"

    def _counts(self, work: _Work, outcome: str) -> dict[str, int]:
        """Return what a record adds to the counts: it counts once in a run, with the outcome that it came to."""
        key = work.wanted.key
        before = self._provisional.pop(key, None)
        if outcome in (_HELD_BACK, _FAILED):
            self._provisional[key] = outcome
        if before is not None:
            return {before: -1, outcome: 1} if before != outcome else {}
        return {} if self._was_counted(work.level) else {"seen": 1, outcome: 1}

    def _was_counted(self, level: Level | None) -> bool:
        """Whether this run counted a record already, in an earlier process perhaps."""
        return level is not None and level.seen_run == self._run.run_id and (level.dead or not level.attempts)

    def _record(self, done: Sequence[_Done]) -> None:
        counts = Counter[str]()
        for item in done:
            counts.update(item.counts)
        # What somebody else took over meanwhile is theirs to record.
        self._levels.record([item.result for item in done], self._run.run_id, counts)

    async def _fail(self, work: _Work, error: ApiError) -> None:
        key, token = work.wanted.key, run_token(work.is_claimed, self._run.run_id)
        attempts = (work.level.attempts if work.level is not None else 0) + 1
        dead = attempts >= _MOST_ATTEMPTS
        if dead:
            words = f"It could not be written after {attempts} attempts: {why_failed(error)}"
            problem = self._row(RecordProblem(key, Part.PRODUCT, "failed", words))
            result = Result(key, problems=(problem,), held=held_to_json(_both(work.held, work.wanted.held)))
            counts = self._counts(work, _FAILED)
            await self._results.add(_Done(result, counts))
            self.tally.add(counts)
        retry_at = self._run.source_now() + _FIRST_RETRY * 2 ** (attempts - 1)
        await self._thread.call(self._levels.failed, key, attempts, retry_at, dead=dead, token=None if dead else token)

    def _refusals(self, wanted: Wanted, written: Written) -> Iterable[RecordProblem]:
        owners = external_ids(wanted)
        for part, sku, words in written.refused:
            external_id = wanted.key if sku is None else owners.get(sku, wanted.key)
            what = {Part.PRODUCT: "the product", Part.STOCK: "its stock", Part.PRICES: "its prices"}[part]
            yield RecordProblem(external_id, part, "refused", f"SparkLayer refused {what}: {words}")

    def _row(self, problem: RecordProblem) -> ProblemRow:
        url = self._run.settings.link(problem.external_id, self._run.source_url)
        return ProblemRow(problem.external_id, problem.part, problem.code, problem.message, url)


def run_token(is_claimed: bool, run_id: str) -> str | None:
    """Return what names the claims of a run, for a record that was claimed."""
    return run_id if is_claimed else None


def _revision(level: Level | None, claimed: Level | None) -> int | None:
    """The revision that was worked on: what is wanted since then stays open."""
    if claimed is not None:
        return claimed.wanted
    if level is None:
        return None
    # It was wanted at a moment that may lie after the read; it is read again by itself.
    return min(level.wanted, level.applied)


def external_ids(wanted: Wanted) -> dict[str, str]:
    """Return SKU to the external ID of its variant, as far as the product's body tells."""
    variants: Iterable[dict[str, Any]] = (wanted.product or {}).get("variants", ())
    return {item["sku"]: item["external_id"] for item in variants if item.get("sku")}


def skus_of(wanted: Wanted, held: Held) -> Skus:
    """Return the SKUs whose stock and prices tell whether the target holds what is wanted of a record.

    Those of a record with problems may have some that are left as they are, whatever that is.
    """
    gone = removals(held, wanted)
    stock = {level.sku for level in wanted.stock or ()} | gone.stock
    prices = {price.sku for price in wanted.prices or ()} | gone.prices
    if not wanted.problems:
        own = external_ids(wanted).keys()
        stock |= own
        prices |= own
    return Skus(frozenset(stock), frozenset(prices))


def _held(level: Level | None) -> Held:
    return Held() if level is None else held_from_json(level.held)


def _slug_of(held: Held) -> frozenset[Name]:
    return frozenset() if held.slug is None else frozenset({Name(SLUG, held.slug)})


def _pairs(names: Collection[Name]) -> list[tuple[str, str]]:
    return sorted((name.kind, name.value) for name in names)


def _tells_something(level: Level | None, wanted: Wanted, prints: Mapping[Part, bytes]) -> bool:
    """Whether the ledger has to learn something of a record for which nothing is sent."""
    if level is None or level.problems or level.gone or level.attempts or level.due_at != wanted.due:
        return True
    return level.doubtful or any(level.prints.get(part) != value for part, value in prints.items())


def _both(before: Held, after: Held) -> Held:
    """What the target may hold where only some of it was written."""
    skus = {
        sku: tuple(sorted({*before.skus.get(sku, ()), *after.skus.get(sku, ())})) for sku in {*before.skus, *after.skus}
    }
    return Held(
        before.variants | after.variants,
        skus,
        before.priced | after.priced,
        before.slug or after.slug,
        after.discontinued,
    )
