"""Record store of a scope: revisions wanted and applied, claims, fingerprints, retries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from reconciler.ledger.data import claims, deleting, mentions, names, overview, problems, records, runs, samples
from reconciler.ledger.data import looks as of_lists
from reconciler.ledger.data import seen as of_walks
from reconciler.ledger.data import told as of_messages
from reconciler.ledger.data import unseen as of_run
from reconciler.ledger.data.as_before import AsBefore
from reconciler.ledger.data.fence import Beginning, claim_of
from reconciler.ledger.data.inbox_model import Told
from reconciler.ledger.data.model import Level, LevelCounts, Result
from reconciler.ledger.data.names import Name
from reconciler.ledger.data.record_rows import read
from reconciler.ledger.data.scoped import Scoped
from reconciler.ledger.database import Transaction


class RecordStore:
    """The records of a scope. Reading, `want`, `drop` and `retry` need neither lock nor hand."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def levels(self, keys: Collection[str]) -> dict[str, Level]:
        """Return the levels of those of the records that are known."""
        scope, run_id = self._scoped.id, self._scoped.run_id
        return self._scoped.read(lambda tx: records.levels(tx.connection, scope, keys, tx.now, run_id))

    def want(self, keys: Collection[str], retry_at: datetime | None = None) -> int:
        """Raise the wanted revision of these records by one, known or not, and return how many they are.

        Args:
            keys: the records.
            retry_at: not to be tried before; None: at once.
        """
        return self._scoped.write(lambda tx: records.want(tx.connection, self._scoped.id, keys, tx.now, retry_at))

    def begin_writes(
        self,
        items: Iterable[tuple[str, Collection[str]]],
        held: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        token: str | None = None,
        unclaimed: Collection[str] = frozenset(),
    ) -> Beginning:
        """Put parts of records in doubt before they are sent. Needs a hand.

        Their fingerprints are forgotten and the records are doubtful until `record`. Committed when this returns.

        Args:
            items: key and parts.
            held: what the target may hold from then on, of records for which that is to be noted beforehand.
            token: of the claim under which they were read; None: nobody asks.
            unclaimed: keys of those that were read without a claim; see `Fence`.

        Returns:
            Which of them may be taken back, and which must not be sent.
        """
        fence, sent, scope = self._scoped.fence, list(items), self._scoped.id
        claim, alone = claim_of(fence.hand, token_hex(16)), frozenset(unclaimed)
        return self._scoped.write_as_hand(
            lambda tx: records.begin_writes(
                tx.connection, scope, sent, held or {}, fence, claim, tx.now, token=token, unclaimed=alone
            )
        )

    def take_back(self, keys: Collection[str]) -> None:
        """Note that nothing was sent of records, whatever this hand began of them. Needs a hand.

        They stay open, and nobody has to wait for a write that may still arrive. Where another hand began one as well,
        that one is still waited for.

        Args:
            keys: some of those that `begin_writes` returned.
        """
        hand = self._scoped.name
        self._scoped.write_as_hand(lambda tx: claims.take_back(tx.connection, self._scoped.id, hand, keys))

    def record(
        self, results: Sequence[Result], run_id: str | None, counts: Mapping[str, int] | None = None
    ) -> list[str]:
        """Record the results of records in one transaction. Needs a hand.

        Args:
            results: one per record.
            run_id: the run that saw them, which counts them; None: none did.
            counts: added to the run's, beside what each result adds.

        Returns:
            Keys of those that were not recorded, because somebody took over their claim, or claimed what was read
            without one.
        """
        scope, fence = self._scoped.id, self._scoped.fence

        def record(tx: Transaction) -> list[str]:
            refused = records.record(tx.connection, scope, fence, results, run_id, tx.now)
            taken = [result for result in results if result.key not in refused]
            claim_names(
                tx, scope, {item.key: item.names or () for item in taken if item.gone or item.names is not None}
            )
            wrong = {result.key: result.problems for result in taken if result.problems is not None}
            problems.replace(tx.connection, scope, wrong, tx.now)
            added = Counter(counts or {})
            for result in taken:
                added.update(result.counts)
            if run_id is not None and added:
                runs.change(tx.connection, scope, run_id, {}, added)
            return refused

        return self._scoped.write_as_hand(record)

    def doubt(self, parts: Mapping[str, Collection[str]]) -> None:
        """Put parts of records in doubt that were sent by a hand that has lost its claim: it needs none for that.

        Args:
            parts: what was sent, by key.
        """
        self._scoped.write(lambda tx: claims.doubt(tx.connection, self._scoped.id, parts, tx.now))

    def failed(
        self,
        key: str,
        attempts: int,
        retry_at: datetime | None,
        *,
        dead: bool = False,
        token: str | None = None,
        unclaimed: bool = False,
    ) -> None:
        """Record a failed attempt, for a reason that is not the record's. Needs a hand. It stays open, unless `dead`.

        Args:
            key: the record.
            attempts: how many tries failed by now.
            retry_at: when to try again.
            dead: leave it alone until it is wanted again.
            token: the claim under which it was tried.
            unclaimed: it was read without a claim.
        """
        fence = self._scoped.fence
        self._scoped.write_as_hand(
            lambda tx: records.failed(
                tx.connection,
                self._scoped.id,
                key,
                attempts,
                retry_at,
                tx.now,
                dead=dead,
                fence=fence,
                token=token,
                unclaimed=unclaimed,
            )
        )

    def seen(
        self,
        run_id: str | None,
        revisions: Mapping[str, int | None],
        each: Mapping[str, int] | None = None,
        looks: Mapping[str, bytes] | None = None,
        *,
        newly: Collection[str] = (),
        token: str | None = None,
        unclaimed: Collection[str] = frozenset(),
    ) -> list[str]:
        """Record that records were seen and need no write. Needs a hand.

        Their problems and `due_at` stay as they are. Rows are made where there are none.

        Args:
            run_id: the run that saw them; None: none did, and a walk may still find that they are gone.
            revisions: by key, the wanted revision as it was before the source was read; None: as it is now.
            each: added to the run's counts for each that it sees for the first time.
            looks: by key, the fingerprint of what lists show, where that is news.
            newly: keys of those that the run sees for the first time.
            token: of the claim under which they were read; None: nobody asks.
            unclaimed: keys of those that were read without a claim; see `Fence`.

        Returns:
            Keys of those of which nothing was recorded, because somebody else reads or writes them.
        """
        fence, scope, alone = self._scoped.fence, self._scoped.id, frozenset(unclaimed)

        def seen(tx: Transaction) -> list[str]:
            refused = of_walks.seen(
                tx.connection, scope, run_id, revisions, tx.now, fence=fence, token=token, unclaimed=alone
            )
            others = set(refused)
            of_lists.note(tx.connection, scope, {key: look for key, look in (looks or {}).items() if key not in others})
            if run_id is not None and (number := len(set(newly) - others)):
                counts = {name: number * count for name, count in (each or {}).items()}
                runs.change(tx.connection, scope, run_id, {}, counts)
            return refused

        return self._scoped.write_as_hand(seen)

    def look(
        self, run_id: str, looks: Mapping[str, bytes], counted: Callable[[AsBefore], Mapping[str, int]]
    ) -> Mapping[str, int]:
        """Compare what lists show of records with what they showed last, and want those that differ. Needs a hand.

        The run saw the others, but for those that are open: they are read as a whole anyway.

        Args:
            run_id: the run that lists them.
            looks: by key, the fingerprint of what lists show.
            counted: says what records that the run sees for the first time add to its counts.

        Returns:
            What was added to the run's counts.
        """
        scope = self._scoped.id

        def look(tx: Transaction) -> Mapping[str, int]:
            counts = counted(of_lists.compare(tx.connection, scope, run_id, looks, tx.now))
            runs.change(tx.connection, scope, run_id, {}, counts)
            return counts

        return self._scoped.write_as_hand(look)

    def told(self, keys: Collection[str]) -> dict[str, Told]:
        """Return what messages told of records, as far as no read has borne it out yet."""
        return self._scoped.read(lambda tx: of_messages.of(tx.connection, self._scoped.id, keys, tx.now))

    def settle_told(self, revisions: Mapping[str, int]) -> None:
        """Forget what was told of records up to a wanted revision: a read bore it out, or it is too old to count."""
        if revisions:
            self._scoped.write(lambda tx: of_messages.settle(tx.connection, self._scoped.id, revisions))

    def forget_strays(self, keys: Collection[str]) -> None:
        """Forget those of the records that are closed and that no run ever saw, of which nothing is known."""
        self._scoped.write(lambda tx: of_run.forget_strays(tx.connection, self._scoped.id, keys))

    def clock(self) -> datetime:
        """Return the ledger's time."""
        return self._scoped.read(lambda tx: tx.now)

    def waits_since(self, moment: datetime, now: datetime) -> bool:
        """Return whether a record is open since a moment of the ledger's clock, or longer, or is due, and not claimed.

        Args:
            moment: in the ledger's clock.
            now: in the clock of `due_at`.
        """
        return self._scoped.read(lambda tx: samples.waits_since(tx.connection, self._scoped.id, moment, now))

    def claim_due(
        self,
        limit: int,
        now: datetime,
        lease_seconds: float,
        token: str,
        newest: int = 0,
        since: datetime | None = None,
    ) -> list[Level]:
        """Claim records that are open or due and that nobody has claimed, the longest waiting first. Needs a hand.

        Args:
            limit: how many at most.
            now: what time it is, in the clock of `retry_at` and `due_at`: the source's.
            lease_seconds: how long the claim holds. `record`, `failed` and `seen` end it.
            token: names the claim among this hand's.
            newest: where more wait than that, so many of them are those that wait the shortest: a change of many
                records does not hold up one.
            since: only those that are open since this moment of the ledger's clock.
        """
        fence, lease = self._scoped.fence, timedelta(seconds=lease_seconds)
        claim = claim_of(fence.hand, token)
        return self._scoped.write_as_hand(
            lambda tx: claims.claim_due(
                tx.connection, self._scoped.id, limit, now, tx.now, tx.now + lease, claim, newest, since, fence.run
            )
        )

    def open_count(self, run_id: str | None = None, before: datetime | None = None) -> int:
        """Return how many records are open, dead ones left out.

        Args:
            run_id: only those that this run saw.
            before: only those that are open since this moment of the ledger's clock, or longer.
        """
        return self._scoped.read(lambda tx: samples.open_count(tx.connection, self._scoped.id, run_id, tx.now, before))

    def unseen(self, run_id: str, after: str | None, limit: int, *, gone: bool = False) -> list[Level]:
        """Return records that a run did not see, by key, after a key.

        Either those that are gone already and of which the target may hold something, or the others.
        """
        scope = self._scoped.id
        return self._scoped.read(lambda tx: of_run.unseen(tx.connection, scope, run_id, after, limit, gone=gone))

    def deleted_since(self, moment: datetime) -> int:
        """Return how many records were deleted at the target since a moment, or made room for, where that counts."""
        return self._scoped.read(lambda tx: deleting.deleted_since(tx.connection, self._scoped.id, moment))

    def sample(self, latest: int, random: int, config: str) -> list[Level]:
        """Return the records that were written last and some at random, all with fingerprints, none of them gone.

        Args:
            latest: how many of the one.
            random: how many of the other.
            config: of the runs that saw them last: what another one compared is no evidence.
        """
        return self._scoped.read(lambda tx: samples.sample(tx.connection, self._scoped.id, latest, random, config))

    def mentioned(self, words: Collection[str]) -> frozenset[str]:
        """Return which of these words stand in what the target holds of records of the sync's other data types."""
        return self._scoped.read(lambda tx: mentions.of_others(tx.connection, self._scoped.scope, words))

    def forget_prints(self, keys: Collection[str] | None = None) -> None:
        """Forget the fingerprints of these records, or of all: the target is not what it was. Needs the lock."""
        self._scoped.write_locked(lambda tx: records.forget_prints(tx.connection, self._scoped.id, keys))

    def disbelieve(self) -> None:
        """Forget all fingerprints, though nobody holds the lock: another connection may be to another site."""
        self._scoped.write(lambda tx: records.forget_prints(tx.connection, self._scoped.id, None))

    def hold(self, held: Mapping[str, tuple[Mapping[str, Any], Collection[str]]]) -> None:
        """Note what the target holds of records now. Needs the lock.

        Args:
            held: by key, what it holds as JSON data, and the parts whose fingerprints are forgotten.
        """
        self._scoped.write_locked(lambda tx: records.hold(tx.connection, self._scoped.id, held))

    def move(self, moves: Mapping[str, str]) -> None:
        """Give what the target holds of records to others: the same ones, which got new IDs. Needs a hand.

        Of the old ones nothing is left but that they are gone: their names are free, and their problems mended.

        Args:
            moves: new key by old key.
        """
        scope = self._scoped.id

        def move(tx: Transaction) -> None:
            records.move(tx.connection, scope, moves)
            claim_names(tx, scope, dict.fromkeys(moves, ()))
            problems.replace(tx.connection, scope, dict.fromkeys(moves, ()), tx.now)

        self._scoped.write_as_hand(move)

    def drop(self, keys: Collection[str], *, frees_gone: bool = False) -> int:
        """Drop those of the records that are dead, failed or have problems: nobody tries them again.

        They count as applied, and their problems as mended. The others stay as they are.

        Args:
            keys: of the records.
            frees_gone: those that are gone let go of their names, and who waits for one is queued.

        Returns:
            How many there were.
        """
        scope = self._scoped.id

        def drop(tx: Transaction) -> int:
            given_up = sorted(_stuck(tx, scope) & set(keys))
            problems.replace(tx.connection, scope, dict.fromkeys(given_up, ()), tx.now)
            if frees_gone:
                rows = read(tx.connection, scope, given_up)
                claim_names(tx, scope, {key: () for key, row in rows.items() if row["gone"]})
            return records.drop(tx.connection, scope, given_up)

        return self._scoped.write(drop)

    def retry(self, keys: Collection[str] | None = None) -> int:
        """Queue these records again, or all that are dead, failed or have problems. Returns how many they are."""
        scope = self._scoped.id
        return self._scoped.write(
            lambda tx: records.want(tx.connection, scope, _stuck(tx, scope) if keys is None else keys, tx.now)
        )

    def counts(self, now: datetime) -> LevelCounts:
        """Return how many records and problems there are."""
        return self._scoped.read(lambda tx: overview.counts(tx.connection, self._scoped.id, now))

    def is_anything_waiting(self, now: datetime) -> bool:
        """Whether a record can be worked on now, or is due, or a run is wanted."""
        return self._scoped.read(lambda tx: overview.is_anything_waiting(tx.connection, self._scoped.id, now))


def claim_names(tx: Transaction, scope: int, wishes: Mapping[str, Collection[Name]]) -> dict[str, dict[Name, str]]:
    """Claim unique names for records, and queue those that wait for one freed by that; see `NameStore.claim_many`."""
    taken, woken = names.claim(tx.connection, scope, wishes)
    records.want(tx.connection, scope, woken, tx.now)
    return taken


def _stuck(tx: Transaction, scope: int) -> set[str]:
    return {*samples.stuck(tx.connection, scope), *problems.keys_with_problems(tx.connection, scope)}
