"""Price lists of a site, as far as customers name them: the site itself takes any slug (documented)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Reader
from reconciler.sparklayer.lists import price_list_slugs
from reconciler.sparklayer.price_list_records import has_list

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

# So many are asked for by themselves before all are listed, 250 with a request.
_FEW = 8


class SiteLists:
    """Says which price lists a site has; each is asked for once, and of many customers all of them at once.

    Args:
        reader: the connection.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Reader, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker
        self._known: dict[str, bool] = {}
        self._listed = False
        # Customers of one buyer are written side by side, and have the same list.
        self._turn = asyncio.Lock()

    async def first_unknown(self, slugs: Iterable[str]) -> str | None:
        """Return the first of some slugs that the site does not have; None: it has all of them.

        Raises:
            ApiError: the site could not be asked.
        """
        for slug in slugs:
            if slug not in self._known:
                async with self._turn:
                    await self._ask(slug)
            if not self._known[slug]:
                return slug
        return None

    async def _ask(self, slug: str) -> None:
        if slug not in self._known and not self._listed and len(self._known) >= _FEW:
            self._listed = True
            try:
                found = await self._breaker.repeat(lambda: price_list_slugs(self._reader))
            except UnexpectedAnswer:
                # Then they are asked for one by one.
                found = frozenset()
            self._known.update(dict.fromkeys(found, True))
        if slug not in self._known:
            # Listing may lack what was made meanwhile.
            self._known[slug] = await self._breaker.repeat(partial(has_list, self._reader, slug))
