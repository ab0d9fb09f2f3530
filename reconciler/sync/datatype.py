"""Protocol `DataType`: what each data type implements, and all that the engine in sync/run/ knows of what flows.

A record goes source -> map -> names -> resolve -> fingerprint -> sink. Each data type is a room beside products/ that
implements it; `datasync.py` binds it to what a manifest says.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from msgspec import Struct

from reconciler.kind.connection import ClockedReader, Querier, Writer
from reconciler.sync.problem import RecordProblem

if TYPE_CHECKING:
    from reconciler.errors import ApiError
    from reconciler.ledger.data.store import Store
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.run.breaker import Breaker

RecordT = TypeVar("RecordT")
DraftT = TypeVar("DraftT")
StateT = TypeVar("StateT", bound="TargetState")
SinkT = TypeVar("SinkT", bound="TargetState", contravariant=True)
Name: TypeAlias = tuple[str, str]
"""Kind and value of something that one record may have and no other."""
Held: TypeAlias = Mapping[str, Any]
"""What the target holds of a record as far as we wrote it, as JSON data; the ledger keeps it."""


class TargetState(Struct, frozen=True, kw_only=True):
    """State that the target should have of one record. A data type adds what its sink needs.

    Args:
        key: the record's ID in the source.
        prints: fingerprint of each part that is to be there; a part without one must not be written.
        removes: parts of which the target holds something that has to go, whatever their fingerprints.
        moved: parts that go to another place than what was written of them: what is believed is not about them.
        problems: what keeps something of it from going through.
        due: when it changes by itself, in the source's clock; None: never.
        gone: the record is deleted at the source.
        held_back: nothing of it can go through.
        keeps: the names that it needs once it is written; None: those that it asked for.
        known: fingerprints of what the target holds now, by part, where that is known; the engine tells the sink.
        was: key that it may have had before it got a new ID: where that one is gone, what it had is this one's.
        news: what the target holds is to be noted anew, though nothing of it need be written.
    """

    key: str
    prints: Mapping[str, bytes]
    removes: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    problems: tuple[RecordProblem, ...] = ()
    due: datetime | None = None
    gone: bool = False
    held_back: bool = False
    keeps: Collection[Name] | None = None
    known: Mapping[str, bytes] = {}
    was: str | None = None
    news: bool = False

    def held(self, *, whole: bool) -> Held:  # noqa: ARG002 - for data types that have more to say
        """Return what the target holds once it is written; not whole: what it may hold after some of it was."""
        return {}


class Reading(Struct, Generic[RecordT], frozen=True):
    """Read of one record by its ID.

    Args:
        record: the record; None: there is none, or with `stale` or `outside` it cannot be read.
        stale: an index that lags behind answered, so a later read may tell more.
        outside: it exists, and the system itself, no index of it, says that it is not in the sync's scope.
    """

    record: RecordT | None
    stale: bool = False
    outside: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the system itself says that there is no such record."""
        return self.record is None and not self.stale and not self.outside


class Census(Struct, frozen=True):
    """Number of records that a walk will read, None where nobody can tell, and what people should know about it."""

    total: int | None
    remarks: tuple[str, ...] = ()


class Observation(Struct, frozen=True):
    """Content of the target.

    Args:
        prints: fingerprints by record and part.
        missing: the records that it does not have.
        returned: by record, what a restored site has again under names of which it was removed: see `DataType`.
    """

    prints: Mapping[str, Mapping[str, bytes]] = {}
    missing: frozenset[str] = frozenset()
    returned: Mapping[str, Any] = {}


class Written(Struct, frozen=True):
    """Outcome of the writes of one record.

    Args:
        done: parts that the target holds now.
        refused: what it refused.
        sent: whether anything was sent: a part of which nothing is wanted and nothing is there is done without.
        held: what the target holds now, where writing told more of that than the state did; None: as the state says.
        keeps: where it was not written whole, the names that it keeps all the same; None: all that it has.
    """

    done: frozenset[str]
    refused: tuple[RecordProblem, ...] = ()
    sent: bool = True
    held: Held | None = None
    keeps: Collection[Name] | None = None


class SyncLog(Struct, frozen=True):
    """Sync log that the problems of a data type go to.

    Args:
        name: the data type of the log, in the API's words.
        owned: a full sync begins it anew and its dates are ours. Else it is another data type's: only problems are
            added to it and resolved in it, and their external IDs are such as the owner's records never have.
        sure: that the API keeps such a log is documented; else a run finds out, and says so where it does not.
        most: problems of this data type that it may hold at once; the API takes 5,000 in one log.
    """

    name: str
    owned: bool = True
    sure: bool = True
    most: int = 5_000


NEVER = timedelta(days=36_500)
"""A walk interval: lists alone are looked at, every `walkInterval`, and what shows there or is due is read whole."""


class NotBegun(Exception):
    """Nothing of a record was sent, because the run is to stop."""


class Source(Protocol[RecordT]):
    """Reader of records in the scope of the sync: those that its manifest asks for.

    Every method raises ApiError where a request failed: never take that for an empty answer.
    """

    @property
    def clock_offset(self) -> timedelta:
        """How much the source's clock is ahead of ours, by most of its answers."""

    def time_at(self, moment: float) -> datetime | None:
        """Return what the source's clock showed at a moment of `time.monotonic()`; None where that is not known."""

    async def census(self) -> Census:
        """Count what a walk will read; raise SourceIncomplete where something that decides the scope is missing."""

    def everything(self) -> AsyncGenerator[list[RecordT], None]:
        """Yield all records in chunks."""

    def listed(self) -> AsyncGenerator[Mapping[str, bytes], None]:
        """Yield what lists alone show of all records, in chunks: its fingerprint by ID, as `DataType.look` returns it.

        Whatever `changed_since` finds shows in it. Those that no ID asks for are left out; see `Nameless`.
        """

    def changed_since(self, moment: datetime) -> AsyncGenerator[list[RecordT], None]:
        """Yield the records that are known to have changed at or after a moment of the source's clock, in chunks."""

    async def some(self, keys: Iterable[str]) -> list[RecordT]:
        """Return records by ID, as far as lists have them."""

    async def one(self, key: str) -> Reading[RecordT]:
        """Read one record by ID, whatever lists say of it."""


@runtime_checkable
class Telling(Protocol):
    """Source or target that finds out in a run what people should know and what is no record's problem."""

    @property
    def remarks(self) -> Sequence[str]:
        """What it found out."""


class Target(Protocol[SinkT]):
    """Reader of the target; it cannot write. Every request of it goes through the run's breaker."""

    async def facts(self) -> Any:
        """Read what the mapper must know of the target; raise TargetIncomplete where something declared is missing."""

    async def whole(self, *, sample: bool = False) -> Any:
        """Read what the target only tells as a whole, if it is short where only a `sample` is observed."""

    async def observe(self, states: Sequence[SinkT], whole: Any) -> Observation:
        """Read what the target holds of the records that should be in these states.

        Of a part that must not be written, the fingerprint is of what was last written of it.
        """

    async def observe_held(self, held: Mapping[str, Held], whole: Any) -> Observation:
        """Read what the target holds of what we noted; `whole` is None: without what it only tells as a whole.

        Of the first ones at least; what is not read has no fingerprint, and is not missing.
        """


class Sink(Target[SinkT], Protocol[SinkT]):
    """Writer of records to the target; every request of it goes through the run's breaker."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Records by part that was written."""

    async def write(self, state: SinkT, parts: Collection[str]) -> Written:
        """Write these parts of a record; raise NotBegun, ApiError where it fails at this record alone, or Outage."""

    def why_failed(self, error: ApiError) -> str:
        """Return for a merchant why a write failed."""


class DataType(Protocol[RecordT, DraftT, StateT]):
    """What flows, e.g. products with their stock and prices: bound to what one manifest says of it."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in the ledger, e.g. `party-prices`."""

    @property
    def noun(self) -> str:
        """What one record is called, e.g. `product`."""

    @property
    def entries(self) -> tuple[str, str]:
        """What has problems, one and several: what one entry of `sync errors` and of the sync log is about."""

    @property
    def id_form(self) -> str:
        """What external IDs look like, for people, e.g. `the ID of a product, or ProductID/VariantID`."""

    @property
    def ends(self) -> str:
        """What a record that is gone is at the target from then on, e.g. `discontinued`."""

    @property
    def log(self) -> SyncLog | None:
        """The sync log that its problems go to; None: there is none, and only `sync errors` has them."""

    @property
    def walk_interval(self) -> timedelta | None:
        """How often everything is read; None: as the DataSync says."""

    @property
    def lights(self) -> bool:
        """Whether lists alone show most changes. Else there are no light walks, and `Source.listed` yields nothing."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What is compared and written by itself, the record's own part first."""

    @property
    def flowing(self) -> tuple[str, ...]:
        """Those of the parts that the manifest asks for."""

    @property
    def inside(self) -> Mapping[str, str]:
        """What lists do not show of each of the parts, for people: a walk alone finds that it changed."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What the source's API asks for."""

    @property
    def lists(self) -> Mapping[str, str]:
        """A list of the source for each role, which `doctor` reads."""

    @property
    def probe(self) -> str:
        """Path of the target that tells whether it answers at all."""

    @property
    def digest(self) -> str:
        """Digest of what decides which records there are and what they become; another one wants a full sync."""

    def remedy(self, code: str, external_ids: Collection[str]) -> str | None:
        """Return what would let most records with a problem through, for people; None where no one thing does.

        Args:
            code: of the problem.
            external_ids: some that have it.
        """

    def link(self, external_id: str, api_url: str) -> str:
        """Return where people find a record in the source."""

    def record_of(self, external_id: str) -> str | None:
        """Return the key of the record that an external ID belongs to; None: no record can have such a one. Pure."""

    def source(self, reader: ClockedReader, breaker: Breaker | None) -> Source[RecordT]:
        """Return the reader of the records; without a breaker only the transport repeats what failed."""

    def target(self, reader: Querier, breaker: Breaker) -> Target[StateT]:
        """Return the reader of what the target holds."""

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> Sink[StateT]:
        """Return the writer of the records."""

    def key(self, record: RecordT) -> str:
        """Return the ID of a record."""

    def look(self, record: RecordT) -> bytes | None:
        """Return the fingerprint of what lists show of a record that was read as a whole; None: not known."""

    def told(self, record: RecordT) -> Mapping[str, str]:
        """Return digests of what a message could tell of a record, by name: see `sync.told`. Pure."""

    def map(self, record: RecordT, now: datetime, facts: Any) -> DraftT:
        """Map a record as far as it tells by itself. Pure, and never raises on a record.

        Args:
            record: as the source gave it.
            now: the source's clock.
            facts: what the sink read of the target.
        """

    def names(self, draft: DraftT, held: Held) -> Collection[Name]:
        """Return what a record needs for itself, and what it has until the target holds it no more."""

    def resolve(self, draft: DraftT, taken: Mapping[Name, str], held: Held) -> StateT:
        """Resolve a draft to the state that the target should have. Pure.

        Args:
            draft: of the record.
            taken: names that other records have, and the keys of those.
            held: what the target holds.
        """

    def lost(self, held: Held) -> Held:
        """Return what is left of what the target holds where it turned out not to have the record. Pure."""

    def returned(self, held: Held, found: Any) -> Held:
        """Return what the target holds where it has something again that was removed: `Observation.returned`. Pure."""

    def held_names(self, held: Held) -> Collection[Name]:
        """Return the names under which the target holds something of a record. Pure."""

    def named(self, held: Held) -> str | None:
        """Return the word by which records of other data types may name what the target holds of a record. Pure.

        While one of the same data sync does, it is not deleted. The word is part of no other, as a digest. None: none.
        """

    @property
    def reserved(self) -> frozenset[str]:
        """Words of `named` that the manifest names itself: as long as it does, such a record is not deleted either."""

    @property
    def keeps_gone(self) -> bool:
        """Whether the target keeps a record that is gone, which is told: its names are its own until it is dropped."""

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> StateT:
        """Return the state that the target should have of a record that is gone or left the scope. Pure.

        One that is left alone has nothing to write, and does not count for `maxDeletePercent`.

        Args:
            key: of the record.
            taken: names that other records have, and the keys of those: what is there under them is not this record's.
            held: what the target holds. A verify asks again about what was deleted before, and does not know why it
                was: a data type that cares notes it here.
            outside: it exists, and left the scope.
        """

    def not_listed(self, key: str) -> RecordProblem:
        """Return what to tell of a record that is there by its ID, and that the source's lists leave out. Pure."""

    async def explain(
        self, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
    ) -> Explanation:
        """Explain what a run would do with one record; nothing is written."""


AnyDataType: TypeAlias = DataType[Any, Any, Any]
"""A data type as the engine takes it."""
