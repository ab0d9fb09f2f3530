"""Catalog assignment of a product, read from the system itself: a list of products comes from the search index."""

from __future__ import annotations

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Reader
from reconciler.ordercloud.lists import Page

# inferred: the path, that both keys filter it, and that it reads the system itself and not the search index.
ASSIGNMENTS = "catalogs/productassignments"


async def is_assigned(reader: Reader, catalog_id: str, product_id: str) -> bool:
    """Read whether a product is assigned to a catalog.

    Args:
        reader: the connection, with the role CatalogReader.
        catalog_id: ID of the catalog.
        product_id: ID of the product.

    Raises:
        NotFound: there is no such catalog.
        UnexpectedAnswer: the answer is about something else, so that nothing can be concluded from it.
        ApiError: it cannot be read.
    """
    page = await Page.read(reader, ASSIGNMENTS, {"catalogID": catalog_id, "productID": product_id})
    found = [(str(item.get("CatalogID")), str(item.get("ProductID"))) for item in page.items]
    # IDs care for case, filters do not.
    if any(catalog.lower() != catalog_id.lower() or name.lower() != product_id.lower() for catalog, name in found):
        raise UnexpectedAnswer(
            f"GET {ASSIGNMENTS}: assignments of other products or catalogs than were asked for",
            request=f"GET {ASSIGNMENTS}",
            next_step="The API does not filter as it should; nothing was concluded from that. Please report it.",
        )
    return any(name == product_id for _, name in found)
