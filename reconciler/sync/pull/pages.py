"""Reader of pages for each of Ignite's data types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from reconciler.kind.connection import ClockedReader
from reconciler.sync.customers.datatype import Customers
from reconciler.sync.customers.pages import CustomerPages
from reconciler.sync.datatype import AnyDataType, Name
from reconciler.sync.orders.datatype import Orders
from reconciler.sync.orders.pages import OrderPages
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.pages import ProductPages
from reconciler.sync.source_page import SourcePage

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker


class Pages(Protocol):
    """Reads records page by page."""

    async def page(self, cursor: Any) -> SourcePage[Any]:
        """Read the page that a cursor names; None: the first. Raises ValueError where it is no cursor of these."""


@runtime_checkable
class Naming(Protocol):
    """Knows at the beginning who has a name that several ask for, whoever of them is read first."""

    async def first_names(self) -> Mapping[str, list[Name]]:
        """Return the names by key of the record that gets them."""


def pages_of(data: AnyDataType, reader: ClockedReader, breaker: Breaker) -> Pages:
    """Return the reader of pages of a data type."""
    match data:
        case Products():
            return ProductPages(reader, data.settings, breaker)
        case Customers():
            return CustomerPages(reader, data.settings, breaker)
        case Orders():
            return OrderPages(reader, data.settings, breaker)
    raise TypeError(f"{data.name} is not pulled")
