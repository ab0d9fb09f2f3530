"""Pages of products: read one after the other, from a cursor that any process can go on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.kind.connection import ClockedReader, Params
from reconciler.ordercloud.readers.cursor import beginning, read_on, stretches_of
from reconciler.ordercloud.readers.pages import Listing
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Product
from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.source import Flawed
from reconciler.sync.source_page import SourcePage

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker


class ProductPages:
    """Reads products page by page, catalog by catalog: one that is in two of them comes twice.

    Args:
        reader: the connection.
        settings: says which catalogs and which parts.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: ClockedReader, settings: ProductSettings, breaker: Breaker) -> None:
        self._reader = breaker.reader(reader)
        self._catalogs = settings.catalogs or (None,)
        self._parts = Parts(stock=Part.STOCK in settings.parts, prices=True)

    async def page(self, cursor: Any) -> SourcePage[Product]:
        """Read a page of products.

        Args:
            cursor: as a page before returned it; None: the beginning.

        Raises:
            ValueError: it is no such cursor.
            ApiError: something could not be read.
        """
        number, left = (0, beginning(searched=True)) if cursor is None else _cursor(cursor, len(self._catalogs))
        listed, kept = Flawed(), Flawed(named=True)
        catalog = self._catalogs[number]
        params: Params = {} if catalog is None else {"catalogID": catalog}
        items, left = await read_on(Listing(self._reader, "products", params, report=listed.add), left)
        some = ProductReader(self._reader, kept.add).some((str(item["ID"]) for item in items), parts=self._parts)
        records = [product async for product in some] + kept.take() + listed.take()
        if not left:
            number, left = number + 1, beginning(searched=True)
        following = None if number >= len(self._catalogs) else [number, [stretch.to_json() for stretch in left]]
        return SourcePage(records, following)


def _cursor(cursor: Any, catalogs: int) -> Any:
    match cursor:
        case [int(number), left] if not isinstance(number, bool) and 0 <= number < catalogs:
            return number, stretches_of(left)
    raise ValueError("no cursor of products")
