"""Reader of buyers, users, user groups, addresses, catalogs and categories.

None of these come from the search index: what is read is what is there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

from msgspec.structs import replace

from reconciler.errors import MissingRole, NotFound
from reconciler.kind.connection import Params, Reader, Wire
from reconciler.ordercloud.bounds import count_of
from reconciler.ordercloud.lists import path_segment
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import Report
from reconciler.ordercloud.readers.pages import Listing, in_company, one_record
from reconciler.ordercloud.readers.records import (
    Address,
    AddressAssignment,
    Buyer,
    Catalog,
    Category,
    CategoryProductAssignment,
    Freshness,
    Reading,
    User,
    UserGroup,
    UserGroupAssignment,
)
from reconciler.ordercloud.readers.streams import found_or_none
from reconciler.ordercloud.readers.walk import walk


class PartyReader:
    """Reads buyers and what belongs to them. Streams promise what `walk` promises.

    Close a stream (`contextlib.aclosing`) that you do not read to its end. Every method raises `ApiError` where a
    request fails, and `NotFound` where the buyer or catalog that it is about does not exist.

    Args:
        reader: the connection.
        report: is told of records of streams that cannot be used; None: they are an error.
    """

    def __init__(self, reader: Reader, report: Report | None = None) -> None:
        self._reader = reader
        self._report = report

    def buyers(self, ids: Sequence[str] = ()) -> AsyncGenerator[Buyer, None]:
        """Read the buyers whose ID is one of these, `*` standing for any characters; all where there are none."""
        return self._stream(Listing(self._reader, "buyers", {}), ("|".join(ids),) if ids else ())

    def users_of_all_buyers(self) -> AsyncGenerator[User, None]:
        """Read the users of every buyer from the one list that has them all; `CompanyID` says whose each is.

        inferred: that it takes filters and sorting as the list of one buyer's users does.
        """
        return self._stream(Listing(self._reader, "buyerusers", {}, in_company))

    def users(self, buyer_id: str) -> AsyncGenerator[User, None]:
        """Read the users of a buyer."""
        return self._stream(Listing(self._reader, f"{_buyer(buyer_id)}/users", {}))

    def user_groups(self, buyer_id: str) -> AsyncGenerator[UserGroup, None]:
        """Read the user groups of a buyer."""
        return self._stream(Listing(self._reader, f"{_buyer(buyer_id)}/usergroups", {}))

    async def memberships(self, buyer_id: str, user_id: str | None = None) -> list[UserGroupAssignment]:
        """Return which users of a buyer, or which groups of one user, belong together."""
        path = f"{_buyer(buyer_id)}/usergroups/assignments"
        return cast("list[UserGroupAssignment]", await assignments(self._reader, path, _given(userID=user_id)))

    def addresses(self, buyer_id: str) -> AsyncGenerator[Address, None]:
        """Read the addresses of a buyer."""
        return self._stream(Listing(self._reader, f"{_buyer(buyer_id)}/addresses", {}))

    async def address_assignments(self, buyer_id: str, user_id: str | None = None) -> list[AddressAssignment]:
        """Return who of a buyer may use which address; only what is assigned to one user where that is given."""
        path = f"{_buyer(buyer_id)}/addresses/assignments"
        return cast("list[AddressAssignment]", await assignments(self._reader, path, _given(userID=user_id)))

    def seller_addresses(self) -> AsyncGenerator[Address, None]:
        """Read the marketplace owner's own addresses: where stock is."""
        return self._stream(Listing(self._reader, "addresses", {}))

    def api_clients(self) -> AsyncGenerator[Wire, None]:
        """Read the API clients. inferred: that whoever reads users may read these, which takes a role of its own."""
        return self._stream(Listing(self._reader, "apiclients", {}))

    async def default_usernames(self) -> frozenset[str] | None:
        """Return the usernames of the users that API clients stand for where nobody logs in, in lower case.

        None where API clients may not be read.
        """
        try:
            async with aclosing(self.api_clients()) as clients:
                names = [client.get("DefaultContextUserName") async for client in clients]
        except (MissingRole, NotFound):
            return None
        return frozenset(name.strip().casefold() for name in names if isinstance(name, str) and name.strip())

    async def count_users(self, buyer_id: str | None = None) -> int | None:
        """Count the users of a buyer, or of all buyers; None where the list says nothing of it."""
        path = "buyerusers" if buyer_id is None else f"{_buyer(buyer_id)}/users"
        return await self._count(path, {})

    async def count_buyers(self, ids: Sequence[str] = ()) -> int | None:
        """Count the buyers whose ID is one of these, `*` standing for any characters; all where there are none."""
        return await self._count("buyers", {"ID": "|".join(ids)} if ids else {})

    def catalogs(self) -> AsyncGenerator[Catalog, None]:
        """Read the catalogs."""
        return self._stream(Listing(self._reader, "catalogs", {}))

    def categories(self, catalog_id: str) -> AsyncGenerator[Category, None]:
        """Read the whole category tree of a catalog, in order of ID. inferred: that `depth=all` asks for all levels."""
        return self._stream(Listing(self._reader, f"{_catalog(catalog_id)}/categories", {"depth": "all"}))

    async def category_products(
        self, catalog_id: str, category_id: str | None = None
    ) -> list[CategoryProductAssignment]:
        """Return which products are in which categories of a catalog, or in one of them.

        For the products of whole catalogs `ProductReader.walk(catalogs=…)` needs no assignments.
        """
        path = f"{_catalog(catalog_id)}/categories/productassignments"
        found = await assignments(self._reader, path, _given(categoryID=category_id))
        return cast("list[CategoryProductAssignment]", found)

    async def buyer(self, buyer_id: str) -> Reading[Buyer]:
        """Read one buyer."""
        return await self._one(_buyer(buyer_id))

    async def user(self, buyer_id: str, user_id: str) -> Reading[User]:
        """Read one user of a buyer; without a record too where the buyer does not exist."""
        return await self._one(f"{_buyer(buyer_id)}/users/{path_segment(user_id)}")

    async def user_group(self, buyer_id: str, group_id: str) -> Reading[UserGroup]:
        """Read one user group of a buyer; without a record too where the buyer does not exist."""
        return await self._one(f"{_buyer(buyer_id)}/usergroups/{path_segment(group_id)}")

    async def address(self, buyer_id: str, address_id: str) -> Reading[Address]:
        """Read one address of a buyer; without a record too where the buyer does not exist."""
        return await self._one(f"{_buyer(buyer_id)}/addresses/{path_segment(address_id)}")

    async def _stream(self, listing: Listing, where: tuple[str, ...] = ()) -> AsyncGenerator[Any, None]:
        listing = replace(listing, report=self._report)
        async with aclosing(walk(listing, where=where)) as pieces:
            async for piece in pieces:
                for item in piece.items:
                    yield item

    async def _count(self, path: str, params: Params) -> int | None:
        page = await self._reader.get(path, {"pageSize": 1, **params})
        meta = page.get("Meta") if isinstance(page, dict) else None
        return count_of(meta.get("TotalCount")) if isinstance(meta, dict) else None

    async def _one(self, path: str) -> Reading[Any]:
        return Reading(await found_or_none(one_record(self._reader, path)), Freshness.CURRENT)


def _buyer(buyer_id: str) -> str:
    return f"buyers/{path_segment(buyer_id)}"


def _catalog(catalog_id: str) -> str:
    return f"catalogs/{path_segment(catalog_id)}"


def _given(**keys: str | None) -> Params:
    """The keys that have a value."""
    return {name: value for name, value in keys.items() if value is not None}
