"""Sink of customers: creates, replaces, deactivates and deletes them at a SparkLayer site without losing what it has.

| what is there | what is done |
|---|---|
| nothing that we know of | created under an ID of our own: a 409 says that somebody is there, and nothing was touched |
| a customer that can be read | replaced by what we map and all else that it has |
| a customer of ours that cannot | replaced by what we wrote; not where it has an account, whose balance may go |
| a customer of others that cannot | left alone, unless the manifest says that it may be overwritten |
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from reconciler.errors import ApiError, Conflict, Rejected
from reconciler.kind.connection import Json, Wire, Writer
from reconciler.sparklayer.customer_bodies import (
    ADDRESSES,
    INACTIVE,
    PAYMENT,
    PRICE_LISTS,
    balance_of,
    merged,
    with_balance,
)
from reconciler.sparklayer.customers import (
    Lookup,
    Unreadable,
    create_customer,
    delete_customer,
    is_uuid,
    own_id_of,
    replace_customer,
)
from reconciler.sparklayer.reasons import why_failed, why_refused
from reconciler.sync.customers import words
from reconciler.sync.customers.model import PART, held_to_json
from reconciler.sync.customers.resolve import CustomerState, body_of, duplicate_email, usernames_of
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.customers.site_lists import SiteLists
from reconciler.sync.customers.target import CustomerTarget
from reconciler.sync.datatype import NotBegun, Written
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.attempts import RECORD_TRIES

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

# More than the connection has under way; what waits here is not begun when the run is to stop.
_AT_ONCE = 24
_PARENT = "parent_customer_id"
_Send = Callable[[Wire], Awaitable[Json]]


class CustomerSink(CustomerTarget):
    """Writes customers to one site.

    Args:
        writer: the connection.
        settings: say what of the site has to be known, and what becomes of customers that leave.
        breaker: repeats requests that failed.
        stopping: whether nothing new is to be begun.
    """

    def __init__(
        self, writer: Writer, settings: CustomerSettings, breaker: Breaker, stopping: Callable[[], bool]
    ) -> None:
        super().__init__(writer, settings, breaker)
        self._writer = writer
        self._stopping = stopping
        self._slots = asyncio.Semaphore(_AT_ONCE)
        # One ID for each customer that is created, however often that is tried.
        self._new_ids: dict[str, UUID] = {}
        self._own_ids: dict[str, str] = {}
        self._under_way: dict[str, asyncio.Event] = {}
        self._lists = SiteLists(writer, breaker)
        self._inactive: tuple[str, ...] = INACTIVE
        # Whether the site clears a balance that is left out; None: not seen yet.
        self._clears: bool | None = None
        self._learning = asyncio.Lock()
        self.counts: Counter[str] = Counter({PART: 0})

    async def write(self, state: CustomerState, parts: Collection[str]) -> Written:
        """Write one customer."""
        if self._stopping():
            raise NotBegun
        done = self._under_way[state.key] = asyncio.Event()
        try:
            # Whoever is above it is on its way already, and waits for nobody below.
            if (parent := self._under_way.get(state.named.get(_PARENT) or "")) is not None and parent is not done:
                await parent.wait()
            async with self._slots:
                if self._stopping():
                    raise NotBegun
                written = await self._written(state, frozenset(parts))
        except ApiError as error:
            if not error.is_about_record:
                raise
            why = words.refused(why_refused(error), state.named.get("role"))
            written = _refused(RecordProblem(state.key, PART, "refused", why))
        finally:
            done.set()
            self._under_way.pop(state.key, None)
        self.counts[PART] += written.sent and bool(written.done)
        if written.refused and not written.done and not state.before.exists:
            # What is there is somebody else's, and the next run must not take it for ours.
            return replace(written, held=held_to_json(state.before))
        return written

    def why_failed(self, error: ApiError) -> str:
        return why_failed(error)

    async def _written(self, state: CustomerState, parts: frozenset[str]) -> Written:
        if state.deletes:
            return await self._delete(state, parts)
        if state.gone:
            return await self._deactivate(state, parts)
        named = dict(state.named)
        if (unknown := await self._lists.first_unknown(named.get(PRICE_LISTS) or ())) is not None:
            return _refused(RecordProblem(state.key, PART, "unknown-price-list", words.unknown_list(unknown)))
        if (parent := named.get(_PARENT)) is not None:
            state.outcome.parent_id = named[_PARENT] = await self._own_id(parent)
            if named[_PARENT] is None:
                return _refused(RecordProblem(state.key, PART, "missing-parent", words.missing_parent(parent)))
        problem = await self._bring(state, named)
        if problem is not None:
            # Who has the address at the site keeps it: it is not this one's.
            return replace(_refused(problem), keeps=usernames_of(state) if state.outcome.has_no_email else None)
        if self._settings.maps_parents and state.outcome.own_id is not None:
            self._own_ids[state.key] = state.outcome.own_id
        return Written(parts)

    async def _bring(self, state: CustomerState, named: Wire) -> RecordProblem | None:
        """Create or replace a customer; return what keeps it from that."""
        try:
            return await self._placed(state, named)
        except Conflict as conflict:
            return await self._taken(state, str(named["email"]), conflict)

    async def _placed(self, state: CustomerState, named: Wire) -> RecordProblem | None:
        before = state.before
        if before.external_id is not None:
            try:
                found = await self._read(Lookup("platform", before.external_id))
            except Unreadable:
                return await self._replace_unread(state, named)
            if found is not None:
                await self._replace(state, named, found)
                return None
        try:
            await self._create(state, named)
        except Conflict as conflict:
            return await self._adopt(state, named, conflict)
        return None

    async def _taken(self, state: CustomerState, email: str, conflict: Conflict) -> RecordProblem:
        """Return who has the email at the site: it keeps it. Else the conflict is about something else."""
        try:
            found = await self._by_email(email)
        except Unreadable:
            holder = "another customer of the site"
        else:
            if found is None or found.get("external_id") in (state.key, state.before.external_id):
                raise conflict
            holder = f"customer {found.get('external_id') or own_id_of(found)} of the site"
        state.outcome.has_no_email = True
        return duplicate_email(state.key, email, holder)

    async def _by_email(self, email: str, *before: Lookup) -> Wire | None:
        """Return who is there by some lookups or by an email; raises Unreadable where nobody can tell."""
        unread: Unreadable | None = None
        for lookup in (*before, *(Lookup("email", each) for each in dict.fromkeys((email, email.lower())))):
            try:
                if (found := await self._read(lookup)) is not None:
                    return found
            except Unreadable as error:
                unread = error
        if unread is not None and not self._shows:
            raise unread
        return None

    async def _create(self, state: CustomerState, named: Wire) -> None:
        body = merged(named, {}, state.share)
        if state.opening:
            body = {**body, PAYMENT: {**(body.get(PAYMENT) or {}), **state.opening}}
        known = state.before.own_id
        own = self._new_ids.setdefault(state.key, UUID(known) if known is not None and is_uuid(known) else uuid4())
        await self._put(lambda sent: create_customer(self._writer, own, sent), body)
        self._new_ids.pop(state.key, None)
        self._note(state, str(own), body)

    async def _adopt(self, state: CustomerState, named: Wire, conflict: Conflict) -> RecordProblem | None:
        """Take over the customer that is there already, if it is this one or nobody's."""
        try:
            found = await self._by_email(str(named["email"]), Lookup("platform", state.key))
        except Unreadable:
            if not self._settings.overwrites_unread:
                return RecordProblem(state.key, PART, "unread", words.UNREAD)
            await self._overwrite(state, named)
            return None
        if found is None or (found.get("external_id") or state.key) not in (state.key, state.before.external_id):
            raise conflict
        await self._replace(state, named, found)
        return None

    async def _overwrite(self, state: CustomerState, named: Wire) -> None:
        """Replace a customer that nobody can read by what we map: the manifest allows it."""
        body = merged(named, {}, state.share)
        try:
            lookup = Lookup("platform", state.key)
            answer = await self._put(lambda sent: replace_customer(self._writer, lookup, sent), body)
        except Conflict:
            lookup = Lookup("email", str(named["email"]))
            answer = await self._put(lambda sent: replace_customer(self._writer, lookup, sent), body)
        self._note(state, own_id_of(answer), body)

    async def _replace(self, state: CustomerState, named: Mapping[str, Any], found: Wire) -> None:
        """Replace a customer by what we map and all else that it has."""
        own = own_id_of(found) or state.before.own_id
        lookup, email = Lookup("platform", state.key), str(named.get("email"))
        if state.gone:
            lookup = Lookup("platform", str(found.get("external_id")))
        elif found.get("external_id") != state.key:
            email = str(found.get("email") or email)
            lookup = Lookup("email", email) if own is None else Lookup("sparklayer", own)
        body, balance = merged(named, found, state.share), balance_of(found)
        if lookup.by == "email" and email != body["email"]:
            # What names it in the path has to stand in the body: it gets its external ID first, and the address then.
            await self._put_as_found(lookup, {**body, "email": email}, balance)
            lookup = Lookup("platform", state.key)
        await self._put_as_found(lookup, body, balance)
        self._note(state, state.before.own_id or own, body)

    async def _put_as_found(self, lookup: Lookup, body: Wire, balance: Json) -> None:
        """Replace a customer that was read."""
        if balance is not None:
            await self._put_beside_balance(lookup, body, balance)
        else:
            await self._put(lambda sent: replace_customer(self._writer, lookup, sent), body)

    async def _put_beside_balance(self, lookup: Lookup, body: Wire, balance: Json) -> None:
        """Replace a customer that has a balance, which SparkLayer moves by itself and we never send.

        inferred: that one which is left out is kept; SparkLayer does not name it among what is cleared. The first one
        tells, while all others wait: where it is gone, it is put back, and goes along from then on as it was just read.
        """
        if self._clears is None:
            async with self._learning:
                if self._clears is None:
                    answer = await self._put(lambda sent: replace_customer(self._writer, lookup, sent), body)
                    shown = answer if isinstance(answer, dict) and "external_id" in answer else await self._read(lookup)
                    self._clears = balance_of(shown) is None
                    if not self._clears:
                        return
        sent_body = with_balance(body, balance) if self._clears else body
        await self._put(lambda sent: replace_customer(self._writer, lookup, sent), sent_body)

    async def _replace_unread(self, state: CustomerState, named: Mapping[str, Any]) -> RecordProblem | None:
        """Replace a customer of ours that nobody can read by what we wrote and map."""
        before = state.before
        known = body_of(before)
        if before.parent_id is not None:
            known[_PARENT] = before.parent_id
        if self._keeps_account(state):
            return RecordProblem(state.key, PART, "balance-unread", words.BALANCE_UNREAD)
        body = merged(named, known, state.share)
        lookup = Lookup("platform", str(before.external_id))
        if before.external_id != state.key and not state.gone:
            own = before.own_id
            lookup = Lookup("email", str(before.email)) if own is None else Lookup("sparklayer", own)
        if lookup.by == "email" and before.email != body["email"]:
            await self._put_as_found(lookup, {**body, "email": before.email}, None)
            lookup = Lookup("platform", state.key)
        answer = await self._put(lambda sent: replace_customer(self._writer, lookup, sent), body)
        self._note(state, before.own_id or own_id_of(answer), body)
        self._blind.add(state.key)
        return None

    async def _deactivate(self, state: CustomerState, parts: frozenset[str]) -> Written:
        external_id = str(state.before.external_id)
        problem = None
        try:
            found = await self._read(Lookup("platform", external_id))
        except Unreadable:
            problem = await self._replace_unread(state, state.named)
        else:
            if found is None:
                state.outcome.is_missing = True
                return Written(parts, sent=False)
            await self._replace(state, state.named, found)
        return _refused(problem) if problem is not None else Written(parts)

    async def _delete(self, state: CustomerState, parts: frozenset[str]) -> Written:
        before = state.before
        lookup = Lookup("platform", str(before.external_id))
        was_there = await self._breaker.repeat(lambda: delete_customer(self._writer, lookup), tries=RECORD_TRIES)
        if not was_there or before.own_id is None:
            return Written(parts, sent=was_there)
        try:
            # documented: the primary customer of a company is archived. inferred: that its own ID still shows it.
            left = await self._read(Lookup("sparklayer", before.own_id))
        except Unreadable:
            left = None
        if left is None:
            return Written(parts)
        return Written(parts, (RecordProblem(state.key, PART, "archived", words.ARCHIVED),))

    async def _put(self, send: _Send, body: Wire) -> Json:
        """Send a body; an inactive status in one spelling after the other, until the site takes it."""
        if body.get("status") not in INACTIVE:
            return await self._breaker.repeat(lambda: send(body), tries=RECORD_TRIES)
        first, *others = self._inactive
        try:
            return await self._sent(send, body, first)
        except Rejected as refusal:
            for status in others:
                with suppress(Rejected):
                    answer = await self._sent(send, body, status)
                    self._inactive = (status, *(each for each in self._inactive if each != status))
                    return answer
            raise refusal from None

    async def _sent(self, send: _Send, body: Wire, status: str) -> Json:
        return await self._breaker.repeat(lambda: send({**body, "status": status}), tries=RECORD_TRIES)

    def _note(self, state: CustomerState, own_id: str | None, body: Wire) -> None:
        """Note what the site has now beside what is mapped."""
        state.outcome.own_id = own_id
        named = state.named
        ours = {address["external_id"] for address in named.get(ADDRESSES) or ()}
        extra = {name: value for name, value in body.items() if name not in named}
        if others := [each for each in body.get(ADDRESSES) or () if each.get("external_id") not in ours]:
            extra[ADDRESSES] = others
        state.outcome.extra = extra

    async def _own_id(self, external_id: str) -> str | None:
        """Return SparkLayer's own ID of a customer that another one names; None where it cannot be found."""
        try:
            found = await self._read(Lookup("platform", external_id))
        except Unreadable:
            return self._own_ids.get(external_id)
        return own_id_of(found)


def _refused(problem: RecordProblem) -> Written:
    return Written(frozenset(), (problem,), sent=False)
