"""Walk over all users that flow, in an order in which names and parents come out right.

All users are listed first, into a file: that costs a hundredth of a request each. Then what belongs to them is read,
buyer by buyer. Those that have to come after others come last: who has a parent, and who shares an email with a user
that was made earlier.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from typing import Any

from msgspec import Struct, field

from reconciler.errors import NotFound
from reconciler.kind.connection import Reader
from reconciler.ordercloud.readers.flaws import BadRecord, bad_record, flaw_of
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.records import User
from reconciler.ordercloud.readers.streams import mapped
from reconciler.sync.customers.company import Company, read_company
from reconciler.sync.customers.late import Late
from reconciler.sync.customers.limits import MOST_CUSTOMERS
from reconciler.sync.customers.model import EVERYBODY, FLAW, NUMBER
from reconciler.sync.customers.record import key_of, parent_of
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.customers.spool import Filed, Groups, Marks, Repeated, Spool
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.identity import CustomerKey
from reconciler.sync.mapping.values import text_or_none
from reconciler.sync.parties.users import Skip, email_of, skipped
from reconciler.words import counted

_CHUNK = 100
# Until these were read nothing is written.
_FIRST_CHUNK = 10
# Buyers whose four lists are read at once.
_BUYERS_AHEAD = 12
_LAST = "9999"


class _Listed(Struct):
    """All users that flow, on disk, and what has to be known of all of them.

    Args:
        spool: each with its buyer.
        buyers: those that flow.
        places: where the users of each buyer are, by its number.
        keys: of all of them, where some may be above others.
        emails: of all of them.
        flawed: those that cannot be used, in place of the users.
    """

    spool: Spool
    buyers: Filed
    places: Groups = field(default_factory=Groups)
    keys: Marks = field(default_factory=Marks)
    emails: Marks = field(default_factory=Marks)
    flawed: list[dict[str, Any]] = []


class Walk:
    """Reads all users that flow, once.

    Args:
        reader: the connection.
        settings: say which.
        default_users: usernames of the users that API clients stand for, in lower case.
    """

    def __init__(self, reader: Reader, settings: CustomerSettings, default_users: Collection[str]) -> None:
        self._reader = reader
        self._settings = settings
        self._default_users = default_users
        self.skipped: Counter[Skip] = Counter()
        self.flowing = 0

    async def chunks(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield the records in chunks; raises ApiError where a list could not be read."""
        with Spool() as spool, Spool() as buyers, Spool() as late_spool:
            listed = await self._list(_Listed(spool, Filed(buyers)))
            if listed.flawed:
                yield listed.flawed
            if self.flowing > MOST_CUSTOMERS:
                # None of them is left out: SparkLayer says whom it takes.
                yield [{"ID": EVERYBODY, "Username": None, NUMBER: self.flowing}]
            late = Late(late_spool)
            losers = Losers(spool, listed.emails.repeated(), self._settings)
            # Nobody asks for them any more.
            listed.emails = Marks()
            chunk: list[dict[str, Any]] = []
            size = _FIRST_CHUNK
            async with aclosing(self._whole(listed)) as records:
                async for record in records:
                    waits = self._late(record, losers)
                    if waits is not None:
                        late.add(record, key_of(record), *waits)
                        continue
                    chunk.append(record)
                    if len(chunk) >= size:
                        yield chunk
                        chunk, size = [], min(2 * size, _CHUNK)
            if chunk:
                yield chunk
            chunk = []
            for record in late.in_order(listed.keys):
                chunk.append(record)
                if len(chunk) >= _CHUNK:
                    yield chunk
                    chunk = []
            if chunk:
                yield chunk

    async def first_owners(self) -> dict[str, str]:
        """Return who was made first of those that share an email, by key, and the email; raises as `chunks` does."""
        with Spool() as spool, Spool() as buyers:
            listed = await self._list(_Listed(spool, Filed(buyers)))
            return Losers(spool, listed.emails.repeated(), self._settings).winners

    async def _list(self, listed: _Listed) -> _Listed:
        async with aclosing(PartyReader(self._reader).buyers(self._settings.buyers)) as buyers:
            async for buyer in buyers:
                listed.buyers.put(buyer)
        async with aclosing(self._users(listed)) as users:
            async for user in users:
                # Else it was made since the buyers were read, or is a supplier's.
                if (found := listed.buyers.get(text_or_none(user.get("CompanyID")) or "")) is not None:
                    number, buyer = found
                    self._take(number, {**user, "Buyer": buyer}, listed)
        return listed

    def _take(self, buyer: int, record: dict[str, Any], listed: _Listed) -> None:
        why = skipped(record, self._settings.scope, self._default_users)
        if why is not None:
            self.skipped[why] += 1
            return
        self.flowing += 1
        listed.places.add(buyer, listed.spool.put(record))
        if self._settings.maps_parents:
            listed.keys.add(key_of(record))
        if (email := _email(record, self._settings)) is not None:
            listed.emails.add(email)

    async def _users(self, listed: _Listed) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the users of these buyers, from the one list of all where that costs less and is there."""
        flawed, buyers = Flawed(listed.flawed), listed.buyers
        parties = PartyReader(self._reader, flawed.add)
        if await self._one_list_is_cheaper(len(buyers)):
            async with aclosing(parties.users_of_all_buyers()) as users:
                async for user in users:
                    if (good := flawed.checked(user, None)) is not None:
                        yield good
            return
        for buyer in buyers:
            flawed.buyer = buyer
            async with aclosing(parties.users(buyer)) as users:
                async for user in users:
                    if (good := flawed.checked(user, buyer)) is not None:
                        yield good

    async def _one_list_is_cheaper(self, buyers: int) -> bool:
        try:
            total = await PartyReader(self._reader).count_users()
        except NotFound:
            return False
        return total is not None and (not self._settings.buyers or -(-total // _CHUNK) <= buyers)

    async def _whole(self, listed: _Listed) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the users with all that belongs to them, buyer by buyer."""

        async def numbered() -> AsyncGenerator[tuple[int, str], None]:
            for number, buyer in enumerate(listed.buyers):
                if listed.places.has(number):
                    yield number, buyer

        async def read(buyer: tuple[int, str]) -> tuple[int, Company | None]:
            number, name = buyer
            try:
                return number, await read_company(self._reader, name)
            except NotFound:
                # It went since: its users are asked for one by one, as all that did not come.
                return number, None

        async with aclosing(mapped(numbered(), read, _BUYERS_AHEAD)) as companies:
            async for number, company in companies:
                if company is not None:
                    for place in listed.places.of(number):
                        yield company.with_parts(listed.spool.get(place))

    def _late(self, record: Mapping[str, Any], losers: Losers) -> tuple[str | None, tuple[int, str] | None] | None:
        """Return the parent of a user that has to come after others, and what `Late` asks of one that shares an email.

        None where it need not.
        """
        parent = None
        if self._settings.maps_parents:
            try:
                parent = parent_of(record, self._settings)
            except Unfit:
                parent = None
        if record in losers and (number := losers.number(record)) is not None:
            return parent, (number, _made(record))
        return None if parent is None else (parent, None)


class Losers:
    """Users that share an email with another one that was made earlier: 16 bytes of each email that is shared.

    Args:
        spool: all users; it is asked for those that have such an email.
        shared: emails that come more than once.
        settings: say what the email is.
    """

    def __init__(self, spool: Spool, shared: Repeated, settings: CustomerSettings) -> None:
        self._spool = spool
        self._shared = shared
        self._settings = settings
        # Of each email that several have: where the one is that has it. -1: nobody was found yet.
        self._first = array("q", [-1]) * len(shared)
        for place, record in spool.placed() if shared else ():
            number = self.number(record)
            if number is not None and (
                self._first[number] < 0 or _rank(record) < _rank(spool.get(self._first[number]))
            ):
                self._first[number] = place

    @property
    def winners(self) -> dict[str, str]:
        """Those that have such an email, by key."""
        records = (self._spool.get(place) for place in self._first if place >= 0)
        return {key_of(record): _email(record, self._settings) or "" for record in records}

    def number(self, record: Mapping[str, Any]) -> int | None:
        """Return the number of the email that a customer shares with others; None: it shares none."""
        email = _email(record, self._settings) if self._shared else None
        return None if email is None else self._shared.number(email)

    def __contains__(self, record: Mapping[str, Any]) -> bool:
        """Whether a customer comes after another one with its email."""
        number = self.number(record)
        return number is not None and key_of(self._spool.get(self._first[number])) != key_of(record)


class Flawed:
    """Takes the users that cannot be used, each once: the mapper tells what is wrong with them.

    Args:
        records: takes them, in place of the users.
    """

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._records = records
        self._seen: set[str] = set()
        self.buyer = ""

    def add(self, bad: BadRecord) -> None:
        """Take a record of a list."""
        self._take(bad, CustomerKey(self.buyer, bad.key).external_id if self.buyer and bad.has_id else bad.key)

    def checked(self, user: Any, buyer: str | None) -> dict[str, Any] | None:
        """Return a user that can be used; take one that cannot."""
        company = user.get("CompanyID") if buyer is None else buyer
        wrong = flaw_of(user, User)
        if wrong is None and isinstance(company, str):
            return {**user, "CompanyID": company}
        bad = bad_record("buyerusers", user, wrong or "it has no CompanyID")
        self._take(bad, key_of({**user, "CompanyID": company}))
        return None

    def _take(self, bad: BadRecord, key: str) -> None:
        if key not in self._seen:
            self._seen.add(key)
            self._records.append({"ID": key, "Username": None, FLAW: bad})


def _email(record: Mapping[str, Any], settings: CustomerSettings) -> str | None:
    try:
        email = email_of(record, settings.scope.email)
    except Unfit:
        return None
    return None if email is None else email.casefold()


def _rank(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return what decides who has an email that several have: who was made first, else the ID."""
    return _made(record), key_of(record)


def _made(record: Mapping[str, Any]) -> str:
    return text_or_none(record.get("DateCreated")) or _LAST


def remarks_on(skips: Mapping[Skip, int]) -> Iterable[str]:
    """Yield how many users do not flow that could, for people."""
    for why in (Skip.NO_EMAIL, Skip.DEFAULT):
        if skips.get(why):
            yield f"{counted(skips[why], 'user')} skipped: {why.value}"
