"""One rate for all who share an API: slots of time, each given to one process. Pure: the clock is an input.

Slots are at least one step apart, whoever has them, and a step is a little longer than the rate asks for. So within any
second no more is sent than the rate, however the API counts: by bucket, by the last second, or by the calendar's. They
are given in rounds: to each according to what it asked for, the rest to nobody until somebody wants it. What is not
used is over when its moment is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

ROUND = 0.5
"""Seconds for which slots are given at once."""

USED = 0.97
"""Share of the rate that is given: the rest is for clocks and networks that are not exact."""

LATE = 0.015
"""Seconds after its moment for which a slot may still be used. With two errors of clocks and what the network adds it
has to stay below `1 - USED` seconds, so that no second sees more than the rate."""

EARLIEST = 0.25
"""Part of a round after which the next one is given."""

SILENT = 0.75
"""Seconds after which nothing is given to a process that was not heard of."""

REMEMBERED = 3600.0
"""Seconds for which the rate of an environment counts after it was last used."""

_MOST_SLOTS = 200
"""Slots a second: of a higher rate, each is for several requests, so that no list of them becomes long."""

_INSTANT = 1e-6
"""Seconds between the requests of one slot: by these they are told apart."""

_BACK = 1.0
"""Seconds that a clock may go back before it is another clock."""

_KEPT = 0.1
_GONE = ""


class Share(Struct, frozen=True):
    """How a process shares a rate.

    Args:
        environment: whose connection it is.
        rate: requests per second that its environment allows.
        kept: whether a share is kept for what it does: it plans, compares or applies.
        kept_share: part of the rate that is kept for those, as its environment says.
    """

    environment: str
    rate: float
    kept: bool = False
    kept_share: float = _KEPT


class Ask(Struct, frozen=True):
    """What a process asks for.

    Args:
        share: how it shares.
        wanted: slots that it could use in a round; 0: it has nothing to do, and gives back what it has.
        hold: seconds for which the API wants to be left alone from now on.
    """

    share: Share
    wanted: int = 0
    hold: float = 0.0


class Grant(Struct, frozen=True):
    """What a process may use.

    Args:
        slots: moments, in order.
        held_until: nobody sends before; 0: no one said so.
        free: whether slots are left that nobody has.
    """

    slots: tuple[float, ...] = ()
    held_until: float = 0.0
    free: bool = False


class _Member(Struct):
    share: Share
    wanted: int = 0
    seen: float = 0.0
    turn: float = 0.0
    """When it is its turn, in slots that the one who has had the fewest had."""


class _Round(Struct):
    first: float
    step: float
    each: int
    owners: list[str | None]

    def slots(self) -> Iterator[tuple[int, float]]:
        return ((place, self.first + place * self.step) for place in range(len(self.owners)))


class Quota(Struct):
    """All that those who share a rate know of one another, as the database keeps it.

    Args:
        at: when it was last changed, by the clock that counts.
        free_at: the next slot is not before.
        held_until: nobody sends before.
        turn: how far those have come who share it.
        credit: slots that are owed to those for whom a share is kept, at most one.
        members: processes, by token.
        rounds: what was given, by number.
        rates: what each environment allows, and when it was last used.
    """

    at: float
    free_at: float = 0.0
    held_until: float = 0.0
    turn: float = 0.0
    credit: float = 1.0
    members: dict[str, _Member] = {}
    rounds: dict[int, _Round] = {}
    rates: dict[str, tuple[float, float]] = {}

    def exchange(self, token: str, ask: Ask, now: float) -> Grant:
        """Take what a process asks for, and return what it may use from now on.

        Args:
            token: names the process.
            ask: what it asks for.
            now: seconds, by the clock that counts for all.
        """
        now = self._move_to(now)
        self._hear(token, ask, now)
        if ask.hold:
            self._hold(now + ask.hold)
        if not ask.wanted:
            self._give_back(token, now)
        number = int(now // ROUND)
        if number not in self.rounds:
            self._give(number, now)
        if number + 1 not in self.rounds and now >= (number + EARLIEST) * ROUND:
            self._give(number + 1, now)
        self._give_more(token, ask.wanted, now)
        return self._grant(token, now)

    def leave(self, token: str, now: float) -> None:
        """Give back what a process has: it ends."""
        now = self._move_to(now)
        self._give_back(token, now)
        self.members.pop(token, None)

    @property
    def rate(self) -> float:
        """Requests per second that count for all: the fewest that an environment allows."""
        binding = [rate for rate, _ in self.rates.values()]
        return min(binding or [member.share.rate for member in self.members.values()])

    def is_busy(self, now: float) -> bool:
        """Whether anybody has used it within the last seconds."""
        return any(member.wanted and now - member.seen < 2 for member in self.members.values())

    def _move_to(self, now: float) -> float:
        """Go on to a moment; where the clock was set back, all that was given moves with it."""
        back = self.at - now
        if back > _BACK:
            self.free_at -= back
            self.held_until -= back
            self.rounds.clear()
            # What was given before may still be used: nothing new until that is over.
            self.free_at = max(self.free_at, now + 2 * ROUND)
            for member in self.members.values():
                member.seen -= back
            self.rates = {name: (rate, seen - back) for name, (rate, seen) in self.rates.items()}
        else:
            now = max(now, self.at)
        self.at = now
        for number in [number for number in self.rounds if (number + 1) * ROUND <= now]:
            del self.rounds[number]
        for token in [token for token, member in self.members.items() if now - member.seen > SILENT]:
            del self.members[token]
        self.rates = {name: said for name, said in self.rates.items() if now - said[1] <= REMEMBERED}
        return now

    def _hear(self, token: str, ask: Ask, now: float) -> None:
        share = ask.share
        member = self.members.setdefault(token, _Member(share))
        member.share, member.wanted, member.seen = share, ask.wanted, now
        if not share.kept:  # what a pull request plans with slows nobody down
            self.rates[share.environment] = share.rate, now

    def _hold(self, until: float) -> None:
        self.held_until = max(self.held_until, until)
        for each in self.rounds.values():
            for place, moment in each.slots():
                if moment < until:
                    each.owners[place] = None
        self.free_at = max(self.free_at, until)

    def _give_back(self, token: str, now: float) -> None:
        for each in self.rounds.values():
            for place, moment in each.slots():
                if each.owners[place] == token and moment > now:
                    each.owners[place] = None

    def _give(self, number: int, now: float) -> None:
        """Give the slots of a round to those who want them, in turns."""
        many = max(1, int(self.rate / _MOST_SLOTS))
        step = many / (self.rate * USED)
        first, end = max(self.free_at, number * ROUND, now), (number + 1) * ROUND
        owners: list[str | None] = []
        wanted = {token: self._most(member) for token, member in self.members.items() if member.wanted}
        while first + len(owners) * step < end:
            owners.append(self._next(wanted, many))
        self.rounds[number] = _Round(first, step, many, owners)
        if owners:
            self.free_at = first + len(owners) * step

    def _most(self, member: _Member) -> int:
        """How many slots of a round somebody may have: no more than its own environment allows."""
        return min(member.wanted, max(1, int(member.share.rate * ROUND)))

    def _next(self, wanted: dict[str, int], many: int) -> str | None:
        """Return who gets the next slot, which is for so many requests, and count it."""
        waiting = [token for token, number in wanted.items() if number > 0]
        if not waiting:
            return None
        kept = [token for token in waiting if self.members[token].share.kept]
        if kept:
            self.credit += max(member.share.kept_share for member in self.members.values())
            if self.credit >= 1:
                waiting = kept
                self.credit -= 1
        self.credit = min(self.credit, 1.0)
        token = min(waiting, key=lambda each: (max(self.members[each].turn, self.turn), each))
        member = self.members[token]
        self.turn = max(member.turn, self.turn)
        member.turn = self.turn + 1
        wanted[token] -= many
        return token

    def _give_more(self, token: str, wanted: int, now: float) -> None:
        """Give somebody slots that nobody has, as far as it wants more than it has."""
        missing = self._most(self.members[token]) if wanted else 0
        ahead = [
            (each, place, moment) for each in self.rounds.values() for place, moment in each.slots() if moment >= now
        ]
        missing -= sum(each.each for each, place, _ in ahead if each.owners[place] == token)
        for each, place, moment in ahead:
            if missing <= 0:
                return
            if each.owners[place] is None and moment >= self.held_until:
                each.owners[place] = token
                missing -= each.each

    def _grant(self, token: str, now: float) -> Grant:
        ours: list[float] = []
        free = False
        for _, each in sorted(self.rounds.items()):
            for place, moment in each.slots():
                if moment >= max(now - LATE, self.held_until):
                    owner = each.owners[place]
                    free = free or owner is None
                    if owner == token:
                        ours.extend(moment + number * _INSTANT for number in range(each.each))
        return Grant(tuple(ours), self.held_until, free)

    # As the database keeps it

    def data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        tokens = {token: place for place, token in enumerate(self.members)}
        return {
            "at": self.at,
            "free_at": self.free_at,
            "held_until": self.held_until,
            "turn": self.turn,
            "credit": self.credit,
            "members": [
                [
                    token, each.share.environment, each.share.rate, each.share.kept, each.share.kept_share,
                    each.wanted, each.seen, each.turn,
                ]
                for token, each in self.members.items()
            ],
            "rounds": [
                # A slot of one who has gone is nobody's to use, and not free: it may be used yet.
                [
                    number, each.first, each.step, each.each,
                    [-1 if owner is None else tokens.get(owner, -2) for owner in each.owners],
                ]
                for number, each in self.rounds.items()
            ],
            "rates": {name: list(said) for name, said in self.rates.items()},
        }  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Quota:
        """Read what `data` returned.

        Raises:
            ValueError: it did not.
        """
        try:
            members = {
                token: _Member(Share(environment, float(rate), bool(kept), float(share)), int(wanted), seen, turn)
                for token, environment, rate, kept, share, wanted, seen, turn in data["members"]
            }
            tokens = [*members, _GONE, None]
            rounds = {
                int(number): _Round(first, step, int(many), [tokens[owner] for owner in owners])
                for number, first, step, many, owners in data["rounds"]
            }
            rates = {name: (float(rate), float(seen)) for name, (rate, seen) in data["rates"].items()}
            numbers = {name: float(data[name]) for name in ("at", "free_at", "held_until", "turn", "credit")}
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError("no quota") from error
        return cls(**numbers, members=members, rounds=rounds, rates=rates)


def owner_of_rate(quota: Quota, now: float) -> tuple[str, float] | None:
    """Return the environment whose rate counts, and the rate; None where none was used lately."""
    said = [(rate, name) for name, (rate, seen) in quota.rates.items() if now - seen <= REMEMBERED]
    if not said:
        return None
    rate, name = min(said)
    return name, rate
