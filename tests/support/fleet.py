"""A fleet of processes that share one rate, by a clock that only moves when it is told to: no threads, no database."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from reconciler.emulator.traffic import Traffic, TrafficSetting
from reconciler.http.shared_limit import Portion, SharedClock
from reconciler.quota import Quota, Share

RULES = ("bucket", "sliding_second", "fixed_second")


@dataclass
class Process:
    """One process: it always has `line` requests waiting while it is busy, and `off` says how far its clock is off."""

    name: str
    share: Share
    off: float = 0.0
    line: int = 16
    busy: Callable[[float], bool] = lambda _now: True
    alive: Callable[[float], bool] = lambda _now: True
    portion: Portion = field(init=False)
    waiting: int = 0
    sent: list[float] = field(default_factory=list)
    asked: int = 0


class Fleet:
    """Processes, the quota that a database keeps for them, and how soon things come through.

    Args:
        processes: all that ever are.
        trip: longest way to the database and back, in seconds.
        late: how late at most a process wakes up after the moment of a slot.
        reachable: whether the database answers.
        seed: of what is random.
    """

    def __init__(
        self,
        processes: Iterable[Process],
        trip: float = 0.004,
        late: float = 0.002,
        reachable: Callable[[float], bool] = lambda _now: True,
        seed: int = 0,
    ) -> None:
        self.now = 1_000_000.0
        self.quota: Quota | None = None
        self._trip, self._late, self._reachable = trip, late, reachable
        self._random = random.Random(seed)
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self.processes = list(processes)
        self.sent: list[float] = []
        for number, each in enumerate(self.processes):
            clock = SharedClock(lambda each=each: self.now + each.off)
            each.portion = Portion(each.share, clock, delay=0.4 * number / len(self.processes))
            self._at(self.now + self._random.random() * 0.1, lambda each=each: self._step(each))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def refused(self, rule: str, rate: float, within: float = 0.0) -> int:
        """How many of them an API refuses that counts by a rule, each after up to so many seconds on its way."""
        moments = sorted(moment + self._random.random() * within for moment in self.sent)
        shown = moments[:1] or [0.0]
        traffic = Traffic(TrafficSetting(requests_per_second=rate, rule=rule), lambda: shown[0])
        refused = 0
        for moment in moments:
            shown[0] = moment
            refused += traffic.over_limit("api") is not None
        return refused

    def _at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def _step(self, each: Process) -> None:
        """What a process does about every five milliseconds: wait in line, take what is there, ask for more."""
        self._at(self.now + 0.005, lambda: self._step(each))
        if not each.alive(self.now):
            return
        if each.busy(self.now):
            while each.waiting < each.line:
                each.waiting += 1
                each.portion.enter(first=False)
            self._send(each)
        elif each.waiting:
            each.waiting -= 1
            each.portion.leave(first=False)
        if each.portion.seconds_left == 0 and self._reachable(self.now):
            self._ask(each)

    def _send(self, each: Process) -> None:
        while each.waiting and (taken := each.portion.take(first=False)) is not None:
            each.waiting -= 1
            slot, seconds = taken
            self._at(self.now + seconds + self._random.random() * self._late, lambda slot=slot: self._sent(each, slot))

    def _sent(self, each: Process, slot: float) -> None:
        if each.alive(self.now) and each.portion.may_use(slot):
            each.sent.append(self.now)
            self.sent.append(self.now)
        else:
            each.portion.put_back(slot)

    def _ask(self, each: Process) -> None:
        each.asked += 1
        there, back = (self._random.random() * self._trip / 2 for _ in range(2))
        before, at = self.now + each.off, self.now + there
        self.quota = self.quota or Quota(at)
        grant = self.quota.exchange(each.name, each.portion.ask(), at)
        # It goes through the database's own form.
        self.quota = Quota.read(self.quota.data())
        each.portion._asked_at = self.now  # until the answer is there, nothing more is asked

        def answered() -> None:
            each.portion._clock.observe(at, before, self.now + each.off)
            each.portion.given(grant)

        self._at(at + back, answered)
