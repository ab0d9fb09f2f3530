"""What the levels should do, as naively as it can be written: the other half of test_levels_stateful.py."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

IN_DOUBT = b""
ARRIVES_WITHIN = timedelta(seconds=330)


@dataclass
class Record:
    wanted: int = 0
    applied: int = 0
    attempts: int = 0
    ready_at: datetime | None = None
    retry_at: datetime | None = None
    due_at: datetime | None = None
    prints: dict[str, bytes] = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    gone: bool = False
    dead: bool = False
    seen_run: str | None = None
    compared_by: str | None = None
    look: bytes | None = None
    claim: str | None = None
    begun: tuple[int, datetime] | None = None
    doubt_until: datetime | None = None

    @property
    def waits(self):
        """Whether there is nothing to do until nothing that another hand began can arrive."""
        written = self.applied == self.wanted and not self.attempts
        return written and self.doubt_until is not None and self.retry_at is not None

    def close(self, now):
        """Close it; where what another hand began may still arrive, it is to be written once more after that."""
        self.ready_at = None if self.doubt_until is None else now
        self.retry_at = self.doubt_until

    def leave(self):
        self.ready_at = self.retry_at = None

    def open(self, now):
        self.ready_at = self.ready_at or now


@dataclass
class Model:
    """Everything of one scope; claims and doubts never lapse here, because the clock stands still within a lease."""

    records: dict[str, Record] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    waits: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    problems: dict[tuple[str, str, str, str], tuple[str, str]] = field(default_factory=dict)
    hand: int = 0

    def of(self, key):
        return self.records.setdefault(key, Record())

    def want(self, keys, now, retry_at):
        for key in set(keys):
            record = self.of(key)
            record.wanted += 1
            record.attempts, record.dead, record.retry_at = 0, False, retry_at
            record.open(now)

    def claim_names(self, wishes, now):
        taken = {}
        released = set()
        for key, asked in wishes.items():
            for name in [name for name, owner in self.owners.items() if owner == key and name not in asked]:
                del self.owners[name]
                released.add(name)
            for name in asked:
                self.owners.setdefault(name, key)
            taken[key] = {name: self.owners[name] for name in asked if self.owners[name] != key}
            self.waits[key] = set(taken[key])
        free = {name for name in released if name not in self.owners}
        self.want([key for key, names in self.waits.items() if names & free], now, None)
        for names in self.waits.values():
            names -= free
        return taken

    def begin_writes(self, items, now):
        for key, parts in items:
            record = self.of(key)
            if IN_DOUBT in record.prints.values() and record.begun is not None and record.begun[0] != self.hand:
                until = record.begun[1] + ARRIVES_WITHIN
                record.doubt_until = max(record.doubt_until or until, until)
            record.begun = self.hand, now
            record.prints.update(dict.fromkeys(parts, IN_DOUBT))
            record.open(now)
            record.retry_at, record.dead = None, False
            record.claim = record.claim or "somebody"

    def record(self, results, run, now):
        refused = []
        for result in results:
            record = self.records.get(result.key, Record())
            if result.token is not None and record.claim != result.token:
                refused.append(result.key)
                continue
            self.records[result.key] = record
            for part, digest in result.prints.items():
                record.prints[part] = digest
            record.prints = {part: digest for part, digest in record.prints.items() if digest is not None}
            record.held = record.held if result.held is None else dict(result.held)
            revision = record.wanted if result.revision is None else result.revision
            record.applied = min(max(record.applied, revision), record.wanted)
            record.attempts, record.dead, record.gone, record.claim = 0, False, result.gone, None
            record.due_at = result.due_at
            record.seen_run = record.compared_by = run
            if IN_DOUBT not in record.prints.values():
                record.begun = None
            if record.applied == record.wanted:
                record.close(now)
            else:
                record.open(now)
                record.retry_at = None
            if result.problems is not None:
                self._replace_problems(result.key, result.problems)
        taken = [result for result in results if result.key not in refused]
        self.claim_names({r.key: r.names or () for r in taken if r.gone or r.names is not None}, now)
        return refused

    def _replace_problems(self, key, found):
        self.problems = {identity: words for identity, words in self.problems.items() if identity[0] != key}
        for problem in found:
            identity = (key, problem.external_id, problem.part, problem.code)
            self.problems[identity] = (problem.message, problem.url)

    def failed(self, key, attempts, retry_at, dead, token, run, now):
        record = self.records.get(key, Record())
        if token is not None and record.claim != token:
            return
        self.records[key] = record
        record.attempts, record.dead, record.claim = attempts, dead, None
        if run is not None:
            record.seen_run = record.compared_by = run
        if dead:
            record.leave()
        else:
            record.open(now)
            record.retry_at = retry_at

    def seen(self, run, revisions, now):
        for key, revision in revisions.items():
            record = self.of(key)
            if run is not None:
                record.seen_run = record.compared_by = run
            record.gone, record.dead, record.attempts, record.claim = False, False, 0, None
            if revision is None or revision >= record.wanted:
                record.applied = record.wanted
                record.close(now)
            else:
                record.applied = max(record.applied, revision)
                record.open(now)

    def look(self, run, shown, now):
        newly = Counter()
        for key, look in sorted(shown.items()):
            record = self.records.get(key)
            changed = record is None or record.gone or record.look != look
            if record is not None and record.ready_at is None and not changed:
                if record.seen_run != run:
                    newly += Counter(("seen", "failed" if record.dead else "unchanged"))
                record.seen_run = run
                # Of one that no run has compared, there is nothing better to tell.
                record.compared_by = record.compared_by or run
            if changed:
                self.want([key], now, None)
                self.records[key].look = look
        return dict(newly)

    def open_count(self, run):
        return sum(
            record.ready_at is not None and not record.waits and record.seen_run == run
            for record in self.records.values()
        )

    def sampled(self, runs):
        """Those that a run of some compared last, and of which something is known."""
        return {
            key
            for key, record in self.records.items()
            if not record.gone and record.compared_by in runs and any(record.prints.values())
        }

    def claim_due(self, limit, now, sync_now, token):
        ready = {}
        for key, record in self.records.items():
            if record.claim is None and not record.dead:
                may_try = not record.waits and (record.retry_at is None or record.retry_at <= sync_now)
                if record.ready_at is not None and may_try:
                    ready[key] = record.ready_at
                elif record.ready_at is None and record.due_at is not None and record.due_at <= sync_now:
                    ready[key] = record.due_at
        keys = sorted(ready, key=lambda key: (ready[key], key))[:limit]
        for key in keys:
            record = self.records[key]
            record.open(now)
            record.claim, record.retry_at = token, None
            if record.due_at is not None and record.due_at <= sync_now:
                record.due_at = None
        return keys

    def forget_prints(self, keys):
        for key in self.records if keys is None else keys:
            if key in self.records:
                record = self.records[key]
                record.prints = {} if record.held else dict.fromkeys(record.prints, IN_DOUBT)

    def drop(self, keys):
        for key in set(keys) & self.records.keys():
            record = self.records[key]
            if record.dead or record.attempts or key in {wrong for wrong, *_ in self.problems}:
                self._replace_problems(key, ())
                record.applied, record.attempts, record.dead, record.claim = record.wanted, 0, False, None
                record.leave()

    def close_unconfirmed(self, run, now):
        stray = [
            key
            for key, record in self.records.items()
            if record.seen_run != run and record.ready_at is None and not record.prints and not record.held
        ]
        for key in stray:
            del self.records[key]
            self._replace_problems(key, ())
        self.claim_names(dict.fromkeys(stray, ()), now)

    def new_holder(self):
        self.hand += 1
        for record in self.records.values():
            record.claim = None

    @property
    def wrong(self):
        """External ID to what the sync log should say of it."""
        found = {}
        for (_, external_id, _, _), (message, _) in self.problems.items():
            found.setdefault(external_id, set()).add(message)
        return found
