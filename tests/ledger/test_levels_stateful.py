"""The levels against a naive model, with crashes between any two statements and with zombies that still write."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event, select

from reconciler.errors import LockLost
from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.tables import names, waits
from reconciler.ledger.writer import Ledger
from reconciler.sync.run.counts import count_as_before
from support import postgres
from support.examples import examples
from support.levels import levels_of
from support.levels_model import Model

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
MOST = 3
CONFIGS = "config", "other"

keys = st.sampled_from(["a", "b", "c", "d"])
some_keys = st.lists(keys, max_size=4, unique=True)
parts = st.sampled_from(["product", "stock", "prices"])
part_sets = st.sets(parts, min_size=1)
moments = st.none() | st.integers(-5, 5).map(lambda seconds: START + timedelta(minutes=seconds))
name_sets = st.sets(st.tuples(st.sampled_from(["sku", "slug"]), st.sampled_from(["1", "2", "3"])), max_size=3)
prints = st.dictionaries(parts, st.none() | st.sampled_from([b"\x01" * 16, b"\x02" * 16]), max_size=3)
held = st.none() | st.sampled_from([{}, {"variants": ["x"]}])
tokens = st.sampled_from([None, None, None, "one", "two"])
revisions = st.none() | st.integers(0, 4)
shown_looks = st.sampled_from([b"a", b"b"])
looks = st.none() | shown_looks
crashes = st.none() | st.none() | st.integers(1, 12)
problems = st.lists(
    st.tuples(
        st.sampled_from(["", "/v", "shared"]), parts, st.sampled_from(["no-sku", "refused"]), st.sampled_from("xy")
    ),
    max_size=3,
    unique_by=lambda item: item[:3],
)


class Crash(BaseException):
    """As if the process had been killed."""


def rows_of(key, found):
    return tuple(
        ProblemRow("shared" if end == "shared" else key + end, part, code, f"{code} {words}", "url")
        for end, part, code, words in found
    )


@st.composite
def results(draw):
    chosen = draw(st.lists(keys, min_size=1, max_size=3, unique=True))
    return [
        Result(
            key,
            draw(revisions),
            draw(prints),
            draw(held),
            draw(st.none() | problems.map(lambda found, key=key: rows_of(key, found))),
            draw(moments),
            draw(st.booleans()),
            names=draw(st.none() | name_sets),
            token=draw(tokens),
        )
        for key in chosen
    ]


class LevelsMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = ExitStack()
        self.url = self.new_ledger()
        self.now = START
        self.model = Model()
        self.remote: dict[str, set[str]] = {}  # the target's sync log
        self.handed_out: set[str] = set()
        self.log_open = False
        self.run = None
        self.configs: dict[str, str] = {}
        self.zombies = []
        self.countdown: int | None = None
        self.thread = threading.get_ident()
        self.holding = ExitStack()
        self._start()

    def new_ledger(self):
        return f"sqlite:///{self.folder.enter_context(tempfile.TemporaryDirectory())}/ledger.db"

    def teardown(self):
        self.holding.close()
        for ledger, _ in self.zombies:
            ledger.close()
        self.folder.close()

    def _start(self):
        self.ledger = self.holding.enter_context(Ledger.open(self.url, clock=lambda: self.now))

        def count(*_):
            # Not in the thread that keeps the lock, which beats where the machine is slow.
            if self.countdown is not None and threading.get_ident() == self.thread:
                self.countdown -= 1
                if self.countdown <= 0:
                    raise Crash

        event.listen(self.ledger.database.engine, "before_cursor_execute", count)
        event.listen(self.ledger.database.engine, "commit", count)
        self.levels = levels_of(self.ledger, SCOPE)
        self.holding.enter_context(self.levels.lock("test"))
        self.model.new_holder()

    def _restart(self):
        self.countdown = None
        self.holding.close()
        self.holding = ExitStack()
        self._start()
        if self.run is not None:
            self.levels.resume(self.run, "test")

    def _do(self, crash, work, expected):
        """Do it in ledger and model, unless it crashes; then it must not have happened."""
        self.countdown = crash
        try:
            answer = work(self.levels)
        except Crash:
            self._restart()
            return None
        self.countdown = None
        wanted = expected(self.model)
        assert answer == wanted or wanted is None
        return answer

    @initialize()
    def first_run(self):
        self.begin(full=True, config="config", crash=None)

    @rule(full=st.booleans(), config=st.sampled_from(CONFIGS), crash=crashes)
    def begin(self, full, config, crash):
        self.countdown = crash
        try:
            run = self.levels.begin("mode", config, "test", self.now, None, walks=True, full=full)
        except Crash:
            self._restart()
            return
        self.countdown = None
        self.run = run.id
        self.configs[run.id] = config
        if full:
            self.log_open = False

    @precondition(lambda self: not self.log_open)
    @rule()
    def open_log(self):
        self.remote.clear()
        self.handed_out.clear()
        self.log_open = True

    @rule()
    def crash(self):
        self._restart()

    @rule()
    def become_a_zombie(self):
        """The lease ends and another takes the lock; the old process does not know."""
        if len(self.zombies) < 2:
            self.ledger.unlock(SCOPE.lock_name, force=True)
            self.zombies.append((self.ledger, self.levels))
            self.kept = self.holding.pop_all()
            self.folder.callback(self.kept.close)
            self._start()
            self.levels.resume(self.run, "test")

    @precondition(lambda self: self.zombies)
    @rule(found=results(), key=keys)
    def a_zombie_writes(self, found, key):
        for _, levels in self.zombies:
            for write in (
                lambda levels: levels.record(found, self.run),
                lambda levels: levels.seen(self.run, {key: None}),
                lambda levels: levels.begin_writes([(key, ["product"])]),
                lambda levels: levels.claim_many({key: []}),
                lambda levels: levels.failed(key, 1, None, dead=True),
                lambda levels: levels.claim_due(1, self.now, 60, "zombie"),
                lambda levels: levels.logged([key], [key]),
                lambda levels: levels.forget_prints(),
                lambda levels: levels.close_unconfirmed("run"),
            ):
                with pytest.raises(LockLost):
                    write(levels)

    @rule(seconds=st.integers(1, 100))
    def time_passes(self, seconds):
        self.now += timedelta(milliseconds=seconds)

    @rule(chosen=some_keys, retry_at=moments, crash=crashes)
    def want(self, chosen, retry_at, crash):
        self._do(crash, lambda it: it.want(chosen, retry_at), lambda it: it.want(chosen, self.now, retry_at))

    @rule(wishes=st.dictionaries(keys, name_sets, min_size=1, max_size=4), crash=crashes)
    def claim_names(self, wishes, crash):
        self._do(crash, lambda it: it.claim_many(wishes), lambda it: it.claim_names(wishes, self.now))

    @rule(items=st.lists(st.tuples(keys, part_sets), min_size=1, max_size=3), crash=crashes)
    def begin_writes(self, items, crash):
        self._do(crash, lambda it: it.begin_writes(items), lambda it: it.begin_writes(items, self.now))

    @rule(found=results(), crash=crashes)
    def record(self, found, crash):
        self._do(crash, lambda it: it.record(found, self.run), lambda it: it.record(found, self.run, self.now))

    @rule(key=keys, attempts=st.integers(1, 5), retry_at=moments, dead=st.booleans(), token=tokens, crash=crashes)
    def failed(self, key, attempts, retry_at, dead, token, crash):
        self._do(
            crash,
            lambda it: it.failed(key, attempts, retry_at, dead=dead, token=token),
            lambda it: it.failed(key, attempts, retry_at, dead, token, self.run, self.now),
        )

    @rule(found=st.dictionaries(keys, revisions, max_size=4), crash=crashes)
    def seen(self, found, crash):
        self._do(crash, lambda it: it.seen(self.run, found), lambda it: it.seen(self.run, found, self.now))

    @rule(found=st.dictionaries(keys, revisions, max_size=4))
    def seen_by_no_run(self, found):
        self._do(None, lambda it: it.seen(None, found), lambda it: it.seen(None, found, self.now))

    @rule(shown=st.dictionaries(keys, shown_looks, max_size=4), crash=crashes)
    def look(self, shown, crash):
        self._do(
            crash,
            lambda it: it.look(self.run, shown, count_as_before),
            lambda it: it.look(self.run, shown, self.now),
        )

    @rule(limit=st.integers(1, 3), later=moments, token=st.sampled_from(["one", "two"]), crash=crashes)
    def claim_due(self, limit, later, token, crash):
        sync_now = later or self.now
        self._do(
            crash,
            lambda it: [level.key for level in it.claim_due(limit, sync_now, 10_000_000, token)],
            lambda it: it.claim_due(limit, self.now, sync_now, token),
        )

    @rule(chosen=st.none() | some_keys, crash=crashes)
    def forget_prints(self, chosen, crash):
        self._do(crash, lambda it: it.forget_prints(chosen), lambda it: it.forget_prints(chosen))

    @rule(chosen=some_keys, crash=crashes)
    def drop(self, chosen, crash):
        self._do(crash, lambda it: it.drop(chosen) and None, lambda it: it.drop(chosen))

    @rule(crash=crashes)
    def close_unconfirmed(self, crash):
        self._do(crash, lambda it: it.close_unconfirmed(self.run), lambda it: it.close_unconfirmed(self.run, self.now))

    @precondition(lambda self: self.log_open)
    @rule(limit=st.integers(1, 4), crash=crashes, lost=st.sampled_from([None, None, "before", "after"]))
    def tell_the_log(self, limit, crash, lost):
        self.countdown = crash
        try:
            errors, resolved = self.levels.to_log(limit, MOST)
            if lost != "before":
                assert self.handed_out.issuperset(resolved), "only what may be in the log is resolved there"
                self.handed_out |= {error.external_id for error in errors}
                self.remote.update({error.external_id: set(error.message.split("; ")) for error in errors})
                for external_id in resolved:
                    self.remote.pop(external_id, None)
            if lost is None:
                self.levels.logged([error.external_id for error in errors], resolved)
                self.handed_out.difference_update(resolved)
        except Crash:
            self.handed_out |= set(self.remote) | set(self.model.wrong)
            self._restart()
        self.countdown = None

    @precondition(lambda self: self.log_open)
    @rule()
    def tell_the_log_everything(self):
        while True:
            errors, resolved = self.levels.to_log(2, MOST)
            if not errors and not resolved:
                break
            self.remote.update({error.external_id: set(error.message.split("; ")) for error in errors})
            self.handed_out |= {error.external_id for error in errors}
            for external_id in resolved:
                self.remote.pop(external_id, None)
            self.levels.logged([error.external_id for error in errors], resolved)
            self.handed_out.difference_update(resolved)
        wrong = self.model.wrong
        assert len(self.remote) == min(len(wrong), MOST)
        assert all(wrong[external_id] == messages for external_id, messages in self.remote.items())
        assert self.levels.logged_count() == len(self.remote)

    @invariant()
    def the_log_takes_no_more(self):
        assert len(self.remote) <= MOST
        assert self.levels.logged_count() <= MOST

    @invariant()
    def the_ledger_is_as_the_model(self):
        found = self.levels.levels(["a", "b", "c", "d", "e"])
        assert found.keys() == self.model.records.keys()
        for key, level in found.items():
            record = self.model.records[key]
            known = {part: digest for part, digest in record.prints.items() if digest}
            assert level.applied <= level.wanted
            assert (level.wanted, level.applied, level.attempts) == (record.wanted, record.applied, record.attempts)
            assert (level.retry_at, level.due_at) == (record.retry_at, record.due_at)
            assert (level.prints, level.doubtful) == (known, len(known) < len(record.prints))
            assert (level.held, level.gone, level.dead) == (record.held, record.gone, record.dead)
            assert level.is_open == (record.ready_at is not None)
            assert level.is_open or level.dead or level.applied == level.wanted
            assert level.problems == any(identity[0] == key for identity in self.model.problems)
            assert (level.seen_run is None, level.is_seen) == (record.seen_run is None, record.seen_run == self.run)
        is_counted = [level.is_open and not self.model.records[key].waits for key, level in found.items()]
        assert self.levels.open_count() == sum(is_counted)
        assert self.levels.open_problems() == len(self.model.wrong)
        assert len(self.levels.problems(100)) == len(self.model.problems)
        if self.run is not None:
            config = self.configs[self.run]
            runs = {run for run, of_run in self.configs.items() if of_run == config}
            assert {level.key for level in self.levels.sample(9, 9, config)} == self.model.sampled(runs)
            assert self.levels.open_count(self.run) == self.model.open_count(self.run)
            unseen = [level.key for level in self.levels.unseen(self.run, None, 9)]
            assert unseen == [
                key
                for key, record in sorted(self.model.records.items())
                if record.seen_run != self.run and not record.gone
            ]

    @invariant()
    def every_name_has_one_owner(self):
        with self.ledger.database.engine.begin() as connection:
            owners = {(row.kind, row.value): row.key for row in connection.execute(select(names))}
            waiting = {(row.key, (row.kind, row.value)) for row in connection.execute(select(waits))}
        assert owners == self.model.owners
        assert waiting == {(key, name) for key, asked in self.model.waits.items() for name in asked}
        assert all(name in owners for _, name in waiting), "nobody waits for a name that is free"


STEPS = settings(stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


class TestLevels(LevelsMachine.TestCase):
    settings = settings(
        max_examples=examples(6), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )


class PostgresMachine(LevelsMachine):
    def new_ledger(self):
        url = postgres.new_ledger()
        self.folder.callback(postgres.drop, url)
        return url


@pytest.mark.postgres
class TestLevelsOnPostgresql(PostgresMachine.TestCase):
    settings = settings(
        max_examples=examples(3), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
