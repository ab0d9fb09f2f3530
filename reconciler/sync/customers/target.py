"""Reader of what a SparkLayer site holds of customers; it cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.kind.connection import Querier, Reader, Wire
from reconciler.sparklayer.customer_bodies import ADDRESSES, PAYMENT, Share, objects_of, projected
from reconciler.sparklayer.customers import Lookup, Unreadable, read_customer
from reconciler.sparklayer.kinds.customer_group import BASE
from reconciler.sparklayer.kinds.customer_group import PATH as GROUPS
from reconciler.sparklayer.lists import whole_list
from reconciler.sync.customers import words
from reconciler.sync.customers.mapper import SiteFacts
from reconciler.sync.customers.model import PART, HeldCustomer, held_from_json
from reconciler.sync.customers.resolve import CustomerState, body_of, print_of, share_of
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.datatype import Held, Observation
from reconciler.sync.problem import RecordProblem

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

PROBE = GROUPS
"""What is read to see whether the site answers at all."""
_PARENT = "parent_customer_id"
_SOFT = frozenset({"default_billing_address_id", "default_shipping_address_id", "group"})


class CustomerTarget:
    """Reads what one site holds.

    Args:
        reader: the connection.
        settings: say what of the site has to be known.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Querier, settings: CustomerSettings, breaker: Breaker) -> None:
        self._reader = reader
        self._settings = settings
        self._breaker = breaker
        # Whether the site was seen to show customers, so that a bare 404 means that there is none.
        self._shows = False
        # Customers of ours that could not be compared, and those that are replaced without a look.
        self._uncompared: set[str] = set()
        self._blind: set[str] = set()

    @property
    def remarks(self) -> Sequence[str]:
        """What a run has to say of customers that the site does not show."""
        return tuple(words.unshown(len(self._blind), len(self._uncompared & self._blind)))

    async def foresee(self, state: CustomerState) -> Sequence[RecordProblem]:
        """Look at whether the site shows a customer of ours that would be written."""
        before = state.before.external_id
        if before is None or state.deletes or self._shows:
            return ()
        if not self._blind and not isinstance(await self._read_or_unread(before), Unreadable):
            return ()
        if self._keeps_account(state):
            return (RecordProblem(state.key, PART, "balance-unread", words.BALANCE_UNREAD),)
        self._blind.add(state.key)
        return ()

    def _keeps_account(self, state: CustomerState) -> bool:
        """Whether a customer that nobody can read is left alone, as it has an account whose balance may go."""
        # A mapping that gives null says that there is none.
        accounts = body_of(state.before).get(PAYMENT), state.named.get(PAYMENT)
        return any(each is not None for each in accounts) and not self._settings.overwrites_unread

    async def facts(self) -> SiteFacts:
        """Return what the mapper must know of the site."""
        return await self._breaker.repeat(lambda: read_facts(self._reader, self._settings))

    async def whole(self, *, sample: bool = False) -> None:
        """Return nothing: customers are read one by one."""

    async def observe(self, states: Sequence[CustomerState], whole: None) -> Observation:  # noqa: ARG002
        """Read what the site holds of the customers that should be in these states."""
        wanted = {state.key: (state.named, state.share, state.before) for state in states}
        found = await self._all({key: before for key, (_, _, before) in wanted.items()})
        self._uncompared.update(key for key in wanted if key not in found)
        prints: dict[str, dict[str, bytes]] = {key: {} for key in wanted}
        for key, (named, share, before) in wanted.items():
            if (wire := found.get(key)) is not None and named:
                prints[key][PART] = print_of(projected(named, _with_parent(wire, before), share))
        return Observation(prints, frozenset(key for key, wire in found.items() if wire is None))

    async def observe_held(self, held: Mapping[str, Held], whole: None) -> Observation:  # noqa: ARG002
        """Read what the site holds of what we noted."""
        noted = {key: held_from_json(body) for key, body in held.items()}
        found = await self._all(noted)
        prints: dict[str, dict[str, bytes]] = {key: {} for key in noted}
        for key, one in noted.items():
            if (wire := found.get(key)) is not None:
                named = {"status": one.named.get("status")} if one.is_gone else one.named
                share = _noted_share(key, one, wire, self._settings.lists_prefix)
                prints[key][PART] = print_of(projected(named, _with_parent(wire, one), share))
        return Observation(prints, frozenset(key for key, wire in found.items() if wire is None))

    async def _all(self, held: Mapping[str, HeldCustomer]) -> dict[str, Wire | None]:
        """Return customers by key, None for those that are not there; those that nobody can tell are left out."""
        asked = {key: one.external_id or key for key, one in held.items() if not key.startswith("(")}
        answers = await asyncio.gather(*(self._read_or_unread(external_id) for external_id in asked.values()))
        found = {key: answer for key, answer in zip(asked, answers, strict=True) if not isinstance(answer, Unreadable)}
        if self._shows:
            found = {key: found.get(key) for key in asked}
        return found

    async def _read_or_unread(self, external_id: str) -> Wire | Unreadable | None:
        try:
            return await self._read(Lookup("platform", external_id))
        except Unreadable as unread:
            return unread

    async def _read(self, lookup: Lookup) -> Wire | None:
        """Read one customer; raises Unreadable where nobody can tell whether it is there."""
        found = await self._breaker.repeat(lambda: read_customer(self._reader, lookup, readable=self._shows))
        self._shows = self._shows or found is not None
        return found


async def read_facts(reader: Reader, settings: CustomerSettings) -> SiteFacts:
    """Read what the mapper must know of the site; raises ApiError where it cannot be read."""
    if not settings.groups and "group" not in settings.rules.expressions:
        return SiteFacts()
    listed = await whole_list(reader, GROUPS)
    return SiteFacts(frozenset(str(group.get("slug")) for group in listed) | {BASE})


def _noted_share(key: str, held: HeldCustomer, found: Wire, lists: str | None) -> Share:
    """Return which addresses are ours where nobody maps the customer: those that were written, and no others."""
    written = {address.get("external_id") for address in held.named.get(ADDRESSES) or ()}
    others = {str(address.get("external_id")) for address in objects_of(found.get(ADDRESSES))} - written
    return share_of(held.external_id or key, frozenset(others), _SOFT, held, lists)


def _with_parent(found: Wire, held: HeldCustomer) -> Wire:
    """Return a customer with the external ID of its parent, where it has the one that we wrote."""
    if held.parent_id is None or found.get(_PARENT) != held.parent_id:
        return found
    return {**found, _PARENT: held.named.get(_PARENT)}
