"""Pages of customers: read one after the other, from a cursor that any process can go on with.

Buyer by buyer, and where the manifest maps parents, those without one first, then those below them, level by level.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from reconciler.errors import NotFound
from reconciler.ordercloud.lists import path_segment
from reconciler.ordercloud.readers.cursor import beginning, read_on, stretches_of
from reconciler.ordercloud.readers.pages import Listing
from reconciler.sync.customers.company import read_company
from reconciler.sync.customers.model import EMAIL, FLAW
from reconciler.sync.customers.record import key_of, parent_of
from reconciler.sync.customers.source import CustomerSource
from reconciler.sync.customers.walk import Flawed, Walk
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.identity import customer_key
from reconciler.sync.source_page import SourcePage

_ENOUGH = 100
# What belongs to the users of a buyer is read for each page of them.
_OF_ONE_BUYER = 500
_LEVELS = 10


class CustomerPages(CustomerSource):
    """Reads users page by page."""

    async def first_names(self) -> Mapping[str, list[tuple[str, str]]]:
        """Return the names that users get because they were made first, whoever is read first."""
        walk = Walk(self._reader, self._settings, await self._default_users())
        return {key: [(EMAIL, email)] for key, email in (await walk.first_owners()).items()}

    async def page(self, cursor: Any) -> SourcePage[dict[str, Any]]:
        """Read a page of users, with all that belongs to them; see `ProductPages.page`."""
        level, deeper, buyer, rest = (0, False, None, ()) if cursor is None else _cursor(cursor)
        records: list[dict[str, Any]] = []
        left: Any = ()
        begun, buyers = buyer, self._buyers_from(buyer, includes=bool(rest))
        async with aclosing(buyers):
            async for found in buyers:
                buyer = str(found["ID"])
                whole = beginning(searched=False)
                taken, left = await self._users(found, rest if buyer == begun and rest else whole)
                for record in taken:
                    depth = 0 if FLAW in record else await self._depth(record)
                    deeper = deeper or depth > level
                    if depth == level:
                        records.append(record)
                if left or len(records) >= _ENOUGH:
                    break
            else:
                buyer = None
        if buyer is not None:
            return SourcePage(records, [level, deeper, buyer, [each.to_json() for each in left]])
        return SourcePage(records, [level + 1, False, None, []] if deeper and level < _LEVELS else None)

    async def _buyers_from(self, buyer: str | None, *, includes: bool) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield the buyers in the scope, in order, from one of them on."""
        if buyer is not None and includes and (own := (await self._parties.buyer(buyer)).record) is not None:
            yield own
        patterns = ("|".join(self._settings.buyers),) if self._settings.buyers else ()
        listing = Listing(self._reader, "buyers", {})
        while True:
            part = await listing.page((*patterns, *(() if buyer is None else (f">{buyer}",))))
            for found in part.items:
                yield found
            if part.reaches_end or part.last_id == buyer:
                return
            buyer = part.last_id

    async def _users(self, buyer: Mapping[str, Any], left: Any) -> tuple[list[dict[str, Any]], Any]:
        """Return some users of a buyer that flow, and what is left of them."""
        own = str(buyer["ID"])
        flawed: list[dict[str, Any]] = []
        takes = Flawed(flawed)
        takes.buyer = own
        listing = Listing(self._reader, f"buyers/{path_segment(own)}/users", {}, report=takes.add)
        flowing: list[dict[str, Any]] = []
        try:
            while left and len(flowing) < _OF_ONE_BUYER:
                users, left = await read_on(listing, left)
                good = [each for user in users if (each := takes.checked(user, own)) is not None]
                whole = [{**user, "CompanyID": own, "Buyer": buyer} for user in good]
                flowing += [user for user in whole if not await self._skips(user)]
            company = await read_company(self._reader, own) if flowing else None
        except NotFound:
            # It went since: at the end its users are asked for one by one.
            return flawed, ()
        records = [] if company is None else [await self._related(company.with_parts(user)) for user in flowing]
        return [*flawed, *records], left

    async def _depth(self, record: Mapping[str, Any]) -> int:
        """Return how many customers are above a user; one that is above itself has none that could come before it."""
        if not self._settings.maps_parents:
            return 0
        seen, user = {key_of(record)}, record
        for depth in range(_LEVELS):
            try:
                name = parent_of(user, self._settings)
            except Unfit:
                return depth
            named = None if name is None else customer_key(name)
            above = None if named is None or name in seen else await self._user(*named)
            if name is None or above is None or await self._skips(above):
                return depth
            seen.add(name)
            user = above
        return _LEVELS


def _cursor(cursor: Any) -> Any:
    match cursor:
        case [int(level), bool(deeper), None, []] if level in range(_LEVELS + 1):
            return level, deeper, None, ()
        case [int(level), bool(deeper), str(buyer), left] if level in range(_LEVELS + 1) and 0 < len(buyer) <= _ENOUGH:
            return level, deeper, buyer, stretches_of(left)
    raise ValueError("no cursor of customers")
