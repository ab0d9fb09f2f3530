"""Users and a site of customers in memory, for the real engine: what the two APIs say of them, without HTTP."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from reconciler.errors import Conflict, NotFound
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.sparklayer.reasons import UNKNOWN_ID
from reconciler.sync.customers.datatype import bind_customers
from support.engine import Engine, Site
from support.levels import levels_of

Json = dict[str, Any]


@dataclass
class Marketplace:
    """One buyer's users, as OrderCloud lists them. An address of the buyer is everybody's."""

    users: dict[str, Json] = field(default_factory=dict)
    clock_offset = timedelta()

    def api_time(self, moment: float) -> None:
        return None

    async def get(self, path: str, params: Any = None) -> Any:
        match path.split("/"):
            case ["buyers"]:
                return _page([{"ID": "acme", "Name": "Acme", "Active": True}])
            case ["buyers", "acme"]:
                return {"ID": "acme", "Name": "Acme", "Active": True}
            case ["buyerusers"]:
                return _page([{**user, "ID": own, "CompanyID": "acme"} for own, user in sorted(self.users.items())])
            case ["buyers", "acme", "users", own] if own in self.users:
                return {**self.users[own], "ID": own}
            case ["buyers", "acme", "addresses"]:
                return _page([{"ID": "home", "Street1": "1 High Street", "City": "Leeds", "Country": "GB"}])
            case ["buyers", "acme", "addresses", "assignments"]:
                return _page([{"AddressID": "home", "IsBilling": True, "IsShipping": True}])
            case ["buyers", "acme", "usergroups", *_] | ["apiclients"]:
                return _page([])
        raise NotFound(path, status=404)


def _page(items: list[Json]) -> Json:
    meta = {"Page": 1, "PageSize": 100, "TotalCount": len(items), "TotalPages": 1, "ItemRange": [1, len(items)]}
    return {"Meta": meta, "Items": items}


@dataclass
class PeopleSite(Site):
    """A site of customers. A PUT replaces the whole customer, as is documented."""

    customers: dict[str, Json] = field(default_factory=dict)
    shows: bool = True
    shows_ids: bool = True
    clears: bool = False
    number: int = 0
    puts: list[str] = field(default_factory=list)
    balances_sent: int = 0

    async def get(self, path: str, params: Any = None) -> Any:
        if not path.startswith("api/v1/customers"):
            return [] if path.endswith("customer-groups") else await super().get(path, params)
        if not self.shows:
            raise NotFound("no such page", status=404)
        lookup, name = _named(path.removeprefix("api/v1/customers/"))
        found = self.find(lookup, name)
        if found is None:
            raise NotFound("no customer", status=404, vendor_code=UNKNOWN_ID)
        hidden = {"uuid"} if self.shows_ids else {"uuid", "id"}
        return {name: copy.deepcopy(value) for name, value in found.items() if name not in hidden}

    async def put(self, path: str, body: Any) -> Any:
        if "/customers/" not in path:
            return await super().put(path, body)
        lookup, name = _named(path.removeprefix("api/v2/customers/"))
        self.puts.append(f"{lookup}/{name}")
        self.may_fail("customer")
        found = self.find(lookup, name)
        assert {"platform": body.get("external_id"), "email": body.get("email")}.get(lookup, name) == name
        self._refuse_taken(body, found)
        if found is None:
            self.number += 1
            found = {"id": f"cu_{self.number}", "uuid": name if lookup == "sparklayer" else f"u-{self.number}"}
        balance = (found.get("payment_on_account") or {}).get("balance")
        self.balances_sent += "balance" in (body.get("payment_on_account") or {})
        after = copy.deepcopy({name: value for name, value in body.items() if value is not None})
        if balance is not None and not self.clears:
            after["payment_on_account"] = {"balance": balance, **after.get("payment_on_account", {})}
        own = {"id": found["id"], "uuid": found["uuid"]}
        self.customers[found["id"]] = {**after, **own}
        self.may_fail("customer after")
        return copy.deepcopy({**after, "id": found["uuid"], "legacy_id": found["id"]} if self.shows_ids else after)

    async def delete(self, path: str) -> None:
        found = self.find(*_named(path.removeprefix("api/v2/customers/")))
        if found is None:
            raise NotFound("no customer", status=404, vendor_code=UNKNOWN_ID)
        del self.customers[found["id"]]

    def find(self, lookup: str, name: str) -> Json | None:
        members = {"platform": ("external_id",), "email": ("email",), "sparklayer": ("id", "uuid")}[lookup]
        for customer in self.customers.values():
            if any(str(customer.get(member, "")).casefold() == name.casefold() for member in members):
                return customer
        return None

    def _refuse_taken(self, body: Json, found: Json | None) -> None:
        own = None if found is None else found["id"]
        for lookup, member in (("platform", "external_id"), ("email", "email")):
            other = self.find(lookup, body[member])
            if other is not None and other["id"] != own:
                raise Conflict(f"the {member} is taken", status=409)


def _named(path: str) -> tuple[str, str]:
    lookup, _, name = path.partition("/")
    return (lookup, unquote(name)) if name else ("platform", unquote(lookup))


@dataclass
class People:
    """An engine that syncs users of a marketplace to a site, both in memory."""

    engine: Engine
    market: Marketplace
    site: PeopleSite

    def run(self, mode: Any = None) -> Any:
        self.site.puts.clear()
        return self.engine.run(mode)


class _PeopleEngine(Engine):
    def job(self) -> Any:
        return replace(super().job(), source=self.market)  # type: ignore[attr-defined]


@contextmanager
def open_people(folder: Path, **section: Any) -> Iterator[People]:
    """Within, people of one buyer and an empty site."""
    data = bind_customers({"customers": section})
    scope = DataScope("test", "https://api.example#site", "ordercloud", "customers")
    with Ledger.open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        market, site = Marketplace(), PeopleSite()
        things: Any = _Noted(data)
        engine = _PeopleEngine(levels_of(ledger, scope), things=things, site=site)
        engine.market = market  # type: ignore[attr-defined]
        yield People(engine, market, site)


class _Noted:
    """A data type, and what the engine of tests notes of its own."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.sent: list[str] = []
        self.asked: list[str] = []
        self.held: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)
