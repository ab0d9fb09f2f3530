"""Scope of the products: which of those that exist a manifest asks for. Every way in asks here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import NotFound, SourceIncomplete, UnexpectedAnswer
from reconciler.kind.connection import Params, Reader
from reconciler.ordercloud.bounds import count_of
from reconciler.ordercloud.readers.catalogs import is_assigned
from reconciler.ordercloud.together import together

ROLES: Mapping[str, str] = {"CatalogReader": "catalogs"}
"""What the API asks for to tell what is in a catalog, and a list of it."""


class Scope:
    """Decides which products a data sync is about.

    What a list by catalog has is inside. That it lacks a product proves nothing, as it comes from the search index:
    only the assignments say that one is outside.

    Args:
        reader: the connection.
        catalogs: whose products flow; none: all products.
    """

    def __init__(self, reader: Reader, catalogs: Sequence[str]) -> None:
        self._reader = reader
        self.catalogs = tuple(catalogs)

    async def has(self, product_id: str) -> bool:
        """Whether a product that exists is inside, by the system itself.

        Raises:
            SourceIncomplete: a catalog does not exist.
            ApiError: it cannot be read.
        """
        if not self.catalogs:
            return True
        for catalog in self.catalogs:
            try:
                if await is_assigned(self._reader, catalog, product_id):
                    return True
            except NotFound:
                raise _incomplete(catalog, "does not exist") from None
        return False

    async def total(self) -> int:
        """Count the products that lists have; one that is in two catalogs is counted twice.

        Raises:
            SourceIncomplete: a catalog does not exist, or is empty.
            ApiError: a list cannot be read.
        """
        if not self.catalogs:
            return await self._count({})
        return sum(await together(self._in(catalog) for catalog in self.catalogs))

    async def _in(self, catalog: str) -> int:
        try:
            found = await self._count({"catalogID": catalog})
        except NotFound:
            raise _incomplete(catalog, "does not exist") from None
        if not found:
            # inferred: where there is no such catalog, the list may be empty as well.
            raise _incomplete(catalog, "has no products, or does not exist")
        return found

    async def _count(self, about: Params) -> int:
        try:
            page = await self._reader.get("products", {"pageSize": 1, **about})
        except UnexpectedAnswer as error:
            if error.answer is None:
                raise
            page = error.answer
        meta = page.get("Meta") if isinstance(page, dict) else None
        found = count_of(meta.get("TotalCount")) if isinstance(meta, dict) else None
        if found is None:
            raise UnexpectedAnswer("GET products: no list with a total count", request="GET products")
        return found


def _incomplete(catalog: str, what: str) -> SourceIncomplete:
    return SourceIncomplete(
        f"OrderCloud's catalog {catalog} {what}, and the data sync is about its products: nothing was discontinued",
        next_step="Correct products.catalogs, or assign products to the catalog.",
    )
