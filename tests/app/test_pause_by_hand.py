"""Operators, a pipeline, a window and the portal pause one sync in any order; it runs again when it should, and is
told truly at every instant. On the real ledger and the real plan, with a live side in memory and a clock of our own."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.overdue import Quiet
from reconciler.app.pause import Desk, PauseRequest, give_back_on, lift, pause_syncs
from reconciler.errors import GuardrailBreach
from reconciler.ledger.config.model import Memory
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Connection, Settings
from reconciler.manifest.environment import Guardrails
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import SILENCE
from reconciler.pause.window import Window, Windows
from reconciler.reconcile.apply import apply
from reconciler.reconcile.pause_report import PauseState, pauses_report
from reconciler.reconcile.plan import Cause
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.secret import Secret
from support.builders import ALL_KINDS, API, entity_sync

PATH = "integrations/entitysync/categories"
START = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
# From one to three, and from five to half past.
WINDOWS = Windows(
    (
        Window("0 1 * * *", timedelta(hours=2), "UTC", "Nightly import"),
        Window("0 5 * * *", timedelta(minutes=30), "UTC", "Second import"),
    )
)


class Live:
    """The live syncs."""

    def __init__(self) -> None:
        self.syncs = {PATH: self._sync(), "integrations/entitysync/buyers": self._sync()}
        self.writes: list[tuple[str, bool]] = []

    @staticmethod
    def _sync() -> dict[str, Any]:
        return {"DeliveryConfigID": "hooks", "SyncEntityChanged": True, "SyncEntityDeleted": True, "Paused": False}

    async def get(self, path: str, params: Any = None) -> Any:
        await asyncio.sleep(0)
        return dict(self.syncs[path]) if path in self.syncs else {"DeliveryConfigID": None}

    async def patch(self, path: str, body: dict[str, Any]) -> Any:
        self.syncs[path].update(body)
        self.writes.append((path, body["Paused"]))
        return dict(self.syncs[path])

    @property
    def paused(self) -> bool:
        return bool(self.syncs[PATH]["Paused"])

    @paused.setter
    def paused(self, value: bool) -> None:
        self.syncs[PATH]["Paused"] = value


@dataclass
class World:
    """Everything, and beside it what a person would write on a slip of paper: who holds it until when."""

    ledger: Ledger
    clock: list[datetime]
    session: Session
    live: Live = field(default_factory=Live)
    held: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    silent: dict[str, datetime] = field(default_factory=dict)
    foreign: bool = False

    @property
    def now(self) -> datetime:
        return self.clock[0]

    def desk(self) -> Desk:
        session = replace(self.session, opened_at=self.now)
        kinds = ("EntitySync",)
        return Desk(session, self.ledger, {"ordercloud": self.live}, "me", Quiet(lambda _: None), kinds)

    def take(self, who: str, minutes: int, *, around: bool = False) -> None:
        request = PauseRequest(("EntitySync/categories",), timedelta(minutes=minutes), "load", who, around=around)
        self.held.pop(who, None)

        async def taking() -> Any:
            desk = self.desk()
            await give_back_on(desk, [lease.lease_id for lease in self.leases() if lease.owner == who])
            with self.ledger.lock("me", "test") as lock:
                return await pause_syncs(desk, lock, request)

        taken = asyncio.run(taking())
        assert taken.done
        until = self.now + timedelta(minutes=minutes)
        self.held[who] = (taken.leases[0].lease_id, until)
        if around:
            self.silent[who] = self.now + SILENCE

    def give_back(self, who: str) -> bool:
        """Return whether the lease was still there: another writer may have lifted it before."""
        before = {lease.lease_id for lease in self.leases()}
        lease_id = self.held.pop(who, ("", self.now))[0]
        self.silent.pop(who, None)
        asyncio.run(give_back_on(self.desk(), [lease_id]))
        return lease_id in before

    def renew(self, who: str) -> None:
        # Who fell silent and comes back before anybody has lifted its lease holds it again.
        if self.ledger.renew_leases([self.held[who][0]]) is not None:
            self.silent[who] = self.now + SILENCE

    def heal(self) -> None:
        """The next writer of all: lifts, and does what the clock says."""

        async def healing() -> None:
            await lift(self.desk())
            planned = make_plan(await self.inputs())
            clock = frozenset(
                change.digest for change in planned.plan.changes if change.cause in (Cause.WINDOW, Cause.OVERDUE)
            )
            with self.ledger.lock("me", "test") as lock:
                await apply(
                    planned,
                    ALL_KINDS,
                    {"ordercloud": self.live},
                    self.ledger,
                    lock,
                    holder="heal",
                    stop=asyncio.Event(),
                    approved=clock,
                )

        asyncio.run(healing())

    async def inputs(self) -> Any:
        wires = {name: self.live.syncs[f"integrations/entitysync/{name}"] for name in ("categories", "buyers")}
        side = {"EntitySync": {name: ALL_KINDS["EntitySync"].observe(name, wire) for name, wire in wires.items()}}
        return self.session.inputs(side, PlanRequest(), self.memory(), self.now)

    def memory(self) -> Memory:
        from reconciler.ledger.overview import memory

        return self.ledger.database.run(lambda tx: memory(tx, "test", [API]), writes=False)

    def leases(self) -> Any:
        return self.ledger.leases([API])[0]

    def is_held(self, who: str) -> bool:
        return self.now < self.held[who][1] and self.now < self.silent.get(who, self.now + SILENCE)

    @property
    def reasons(self) -> list[str]:
        """Who or what says now that it is paused."""
        windows = ["window"] if WINDOWS.active(self.now) else []
        return [*(who for who in self.held if self.is_held(who)), *windows]

    def told(self) -> PauseState:
        report = pauses_report(asyncio.run(self.inputs()))
        found = [each.state for each in report.syncs if each.sync.key == "EntitySync/categories"]
        return found[0] if found else PauseState.RUNNING


@pytest.fixture
def world(ledger_url: str) -> Any:
    clock = [START]
    desired = replace(entity_sync("categories"), pause=DeclaredPause(True, None, "import", None, WINDOWS))
    connection = Connection("ordercloud", API, API, "id", Secret("x", lambda: "x", None), 5.0)  # type: ignore[arg-type]
    settings = Settings(parse(ledger_url), None, Guardrails(), "")

    class Clocked(Session):
        """A session whose manifest says what it says at the moment that it is asked."""

        def inputs(self, live: Any, request: Any, memory: Any, now: datetime) -> Any:
            paused = desired.pause is not None and desired.pause.is_active(now)
            wanted = replace(desired, state=desired.state | {"pause": paused})
            return Session.inputs(replace(self, desired=(wanted,)), live, request, memory, now)

        def memory(self, ledgers: Any = None) -> Memory:
            return made.memory()

    session = Clocked("test", (), ALL_KINDS, (desired,), {"ordercloud": connection}, settings, START)
    with Ledger.open(ledger_url, clock=lambda: clock[0]) as ledger:
        made = World(ledger, clock, session)
        yield made


def check(world: World) -> None:
    """What is told is what is so, and nothing runs that is held."""
    told = world.told()
    assert world.live.paused or not any(map(world.is_held, world.held))
    if world.live.paused and world.reasons:
        assert told is PauseState.HELD
    elif world.live.paused and world.foreign:
        assert told is PauseState.UNDECLARED
    elif world.live.paused:
        assert told is PauseState.OVERDUE
    else:
        assert told is (PauseState.NOT_PAUSED if world.reasons else PauseState.RUNNING)


def step(world: World, random: Random) -> str:
    """Do something that somebody might do; return what."""
    who = random.choice(["ann", "bob", "pipeline"])
    what = random.choice(["take", "take", "back", "wait", "wait", "wait", "renew", "heal", "heal", "portal"])
    before = world.reasons
    if what == "take" and who not in world.held:
        world.take(who, random.choice([5, 20, 90]), around=who == "pipeline")
        assert world.live.paused
    elif what == "back" and who in world.held:
        was_there = world.give_back(who)
        # It never runs while something holds it, and never stays paused for us.
        assert world.live.paused or not world.reasons or before == ["window"] or "window" in world.reasons
        if was_there and world.live.paused and not world.reasons:
            assert world.foreign
    elif what == "renew" and "pipeline" in world.held:
        world.renew("pipeline")
    elif what == "wait":
        later = world.now + timedelta(minutes=random.choice([1, 3, 15, 45, 70]))
        opens = WINDOWS.next(world.now - timedelta(seconds=1), 1)[0].start
        # Whose a pause is that the portal set before a window and nobody ended in it, nobody can say.
        if not (world.foreign and opens <= later):
            world.clock[0] = later
    elif what == "portal" and not world.reasons and not world.live.paused and not world.leases():
        world.live.paused = world.foreign = True
    elif what == "heal":
        world.heal()
        assert world.live.paused == (bool(world.reasons) or world.foreign)
        world.held = {who: each for who, each in world.held.items() if world.is_held(who)}
    else:
        what = "nothing"
    return f"{what} {who} at {world.now:%d %H:%M}: {'paused' if world.live.paused else 'runs'}, {world.reasons}"


@pytest.mark.parametrize("seed", range(int(os.environ.get("RECONCILER_TEST_SEEDS", "2"))))
def test_it_runs_again_by_the_first_writer_after_the_last_reason_and_never_before(world: World, seed: int) -> None:
    random, history = Random(seed), []
    world.heal()  # from here on the ledger knows what was applied
    try:
        for _ in range(40):
            if world.foreign and not world.leases() and random.random() < 0.3:
                world.foreign = world.live.paused = False  # whoever paused it in the portal resumes it there
            history.append(step(world, random))
            check(world)
        world.clock[0] += timedelta(hours=30)
        world.foreign, world.live.paused = False, world.live.paused and not world.foreign
        world.heal()
        check(world)
        assert world.live.paused == bool(world.reasons)
    except AssertionError as error:
        error.add_note("\n".join(history))
        raise


def test_what_somebody_else_had_paused_is_left_so(world: World) -> None:
    world.live.paused = True
    world.foreign = True
    world.take("ann", 20)
    assert world.live.writes == []
    world.take("bob", 20)
    world.give_back("ann")
    world.give_back("bob")
    assert (world.live.paused, world.live.writes, world.leases()) == (True, [], ())


def test_the_lease_is_in_the_ledger_with_what_live_was_before_anything_is_sent(world: World) -> None:
    seen: list[Any] = []
    patch = world.live.patch

    async def watched(path: str, body: dict[str, Any]) -> Any:
        seen.append([(lease.owner, lease.was) for lease in world.leases()])
        return await patch(path, body)

    world.live.patch = watched  # type: ignore[method-assign]
    world.take("ann", 20)
    assert seen == [[("ann", "running")]]


def test_a_guardrail_refuses_and_nothing_is_recorded(world: World) -> None:
    with pytest.raises(GuardrailBreach, match="maxPause"):
        world.take("ann", 8 * 24 * 60)
    assert (world.leases(), world.live.writes) == ((), [])


def test_a_pause_that_is_refused_is_given_back(world: World) -> None:
    async def refused(path: str, body: dict[str, Any]) -> Any:
        from reconciler.errors import Rejected

        raise Rejected("not like this", status=400)

    world.live.patch = refused  # type: ignore[method-assign]

    async def taking() -> Any:
        request = PauseRequest(("EntitySync/categories",), timedelta(minutes=5), "load", "ann")
        with world.ledger.lock("me", "test") as lock:
            return await pause_syncs(world.desk(), lock, request)

    taken = asyncio.run(taking())
    assert (taken.done, world.leases(), world.live.paused) == (False, (), False)
