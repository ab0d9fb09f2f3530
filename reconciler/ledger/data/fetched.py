"""What was fetched of places that keep what they gave: how far of each item, so that none is fetched twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import bindparam, delete, func, insert, select, update

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.fetched_table import fetched_items


class Fetched(Struct, frozen=True):
    """How far an item was fetched.

    Args:
        version: of its content then.
        position: bytes that were taken; less than 2 GB.
        set_aside: whether something of it was no message, so that it stays for people to look at.
    """

    version: str
    position: int
    set_aside: bool = False


class FetchedStore:
    """Items that were fetched of one place; every method is one durable transaction.

    Args:
        database: of the open ledger.
        environment: its name.
        place: which place it is, without a secret.
    """

    def __init__(self, database: Database, environment: str, place: str) -> None:
        self._database = database
        self._place = {"environment": environment, "place": place}
        self._of_place = fetched_items.c.environment == environment, fetched_items.c.place == place

    def known(self, items: Collection[str]) -> Mapping[str, Fetched]:
        """Return what is known of some items."""

        def work(tx: Transaction) -> dict[str, Fetched]:
            found: dict[str, Fetched] = {}
            for chunk in chunks(items):
                query = select(fetched_items).where(*self._of_place, fetched_items.c.item.in_(chunk))
                for row in tx.connection.execute(query).mappings():
                    found[row["item"]] = Fetched(row["version"], row["position"], row["set_aside"])
            return found

        return self._database.run(work, writes=False)

    def note(self, fetched: Mapping[str, Fetched]) -> None:
        """Note how far items were fetched."""

        def work(tx: Transaction) -> None:
            for chunk in chunks(sorted(fetched)):
                tx.connection.execute(delete(fetched_items).where(*self._of_place, fetched_items.c.item.in_(chunk)))
                rows = [
                    {
                        **self._place,
                        "item": item,
                        "version": fetched[item].version,
                        "position": fetched[item].position,
                        "set_aside": fetched[item].set_aside,
                        "seen_at": tx.now,
                    }
                    for item in chunk
                ]
                tx.connection.execute(insert(fetched_items), rows)

        if fetched:
            self._database.run(work)

    def forget(self, items: Collection[str]) -> None:
        """Forget items that are gone."""

        def work(tx: Transaction) -> None:
            for chunk in chunks(items):
                tx.connection.execute(delete(fetched_items).where(*self._of_place, fetched_items.c.item.in_(chunk)))

        if items:
            self._database.run(work)

    def seen(self, items: Collection[str]) -> datetime:
        """Note that items are still there, and return when."""

        def work(tx: Transaction) -> datetime:
            statement = (
                update(fetched_items)
                .where(*self._of_place, fetched_items.c.item == bindparam("of_item"))
                .values(seen_at=tx.now)
            )
            if items:
                tx.connection.execute(statement, [{"of_item": item} for item in sorted(items)])
            return tx.now

        return self._database.run(work)

    def forget_unseen(self, since: datetime) -> int:
        """Forget items that nobody noted or saw since a moment, and return how many."""

        def work(tx: Transaction) -> int:
            statement = delete(fetched_items).where(*self._of_place, fetched_items.c.seen_at < since)
            return tx.connection.execute(statement).rowcount

        return self._database.run(work)

    def count(self) -> int:
        """Return how many items are known."""
        query = select(func.count()).select_from(fetched_items).where(*self._of_place)
        return self._database.run(lambda tx: int(tx.connection.execute(query).scalar_one()), writes=False)
