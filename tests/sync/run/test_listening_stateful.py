"""Messages in any order, twice, late, with processes killed in the middle: at rest the site equals the source."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reconciler.intake.dependencies import Flows, Placement
from reconciler.intake.inbox import arrivals_of
from reconciler.ledger.data.inbox_model import PLACED, Told
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ordercloud.deliveries.message import Message
from reconciler.sync.mode import Mode
from reconciler.sync.run import retries
from reconciler.sync.told import digests
from support.engine import SCOPE, Killed, open_engine
from support.examples import examples

KEYS = st.sampled_from("abcd")
EXAMPLES = examples(3)


def place(message, flows):
    """The rule of the only type there is: a thing is made, changed, or gone."""
    key, text = message.payload["key"], message.payload["text"]
    told = Told(gone=True) if text is None else Told(members=digests({"text": text}, ["text"]))
    return Placement(PLACED, (("things", key, told),))


class Feed(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.clock = timedelta()
        self.under_way = []
        self.sent = []

    @initialize()
    def begin(self):
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("reconciler.intake.inbox.placement_of", place)
        self.engine = self.stack.enter_context(open_engine(folder, a="A", b="B"))
        self.database = self.engine.levels.store._scoped.database
        self.database._clock = lambda: datetime.now(UTC) + self.clock
        self.engine.settings = self.engine.settings.__class__(
            **{
                **{name: getattr(self.engine.settings, name) for name in self.engine.settings.__slots__},
                "max_delete_percent": 100,
            }
        )
        self.engine.run(Mode.FULL)
        self.store = InboxStore(self.database, [SCOPE])

    @rule(key=KEYS, text=st.text("xyz", min_size=1, max_size=3))
    def change(self, key, text):
        self.engine.things.there[key] = text
        self.under_way.append((key, text))

    @rule(key=KEYS)
    def delete(self, key):
        if self.engine.things.there.pop(key, None) is not None:
            self.under_way.append((key, None))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def deliver(self, data):
        """In any order; acknowledged, as the transaction is over."""
        message = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.take([message])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def deliver_again(self, data):
        self.take([data.draw(st.sampled_from(self.sent))])

    def take(self, messages):
        self.sent += messages
        delivered = [Message("thing", {"key": key, "text": text}) for key, text in messages]
        self.store.take(arrivals_of(delivered, Flows(frozenset({"things"})))[0])

    @rule()
    def run(self):
        self.engine.run(Mode.INCREMENTAL)

    @rule(key=KEYS)
    def run_and_be_killed(self, key):
        """At the write of a record, if it comes to that."""

        def kill():
            raise Killed

        self.engine.things.fails[key] = kill
        with suppress(Killed, BaseExceptionGroup):
            self.engine.run(Mode.INCREMENTAL)
        self.engine.things.fails.clear()

    @rule(key=KEYS)
    def index_lags(self, key):
        self.engine.things.stale.symmetric_difference_update({key})

    def teardown(self):
        try:
            if self.store is not None:
                self.rest()
        finally:
            self.stack.close()

    store = None

    def rest(self):
        self.take(self.under_way)
        self.engine.things.stale.clear()
        for _ in range(3):
            # Longer than the source's index lags, and than a write of a process that is gone can take.
            self.clock += timedelta(minutes=11)
            self.engine.later(minutes=11)
            self.engine.run(Mode.INCREMENTAL)
        held = {key: text for key, text in self.engine.things.site.items() if text}
        assert held == self.engine.things.there
        levels = self.engine.levels.levels(list("abcd"))
        assert not any(level.is_open or level.doubtful for level in levels.values())
        assert self.engine.levels.store.records.told(list("abcd")) == {}


assert timedelta(minutes=11) > retries.LAG
TestFeed = Feed.TestCase
TestFeed.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
