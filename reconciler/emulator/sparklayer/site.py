"""State of one SparkLayer site: its records by table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.emulator.clock import Clock

JsonObject = dict[str, Any]
BASE_GROUP = "base"


class Table:
    """Table of records by SparkLayer's own ID, found by other unique members too.

    Args:
        prefix: of the IDs, e.g. `pp_`; empty: UUIDs.
        unique: members that no two records share.
        shared: members that several may share, each with the form in which they are the same.
    """

    def __init__(self, prefix: str, *unique: str, shared: Mapping[str, Callable[[str], str]] | None = None) -> None:
        self.prefix = prefix
        self.records: dict[str, JsonObject] = {}
        self.number = 0
        self._indexes: dict[str, dict[str, str]] = {member: {} for member in unique}
        self._forms = shared or {}
        self._sharing: dict[tuple[str, str], dict[str, None]] = {}

    def new_id(self) -> str:
        """Return an ID that no record has."""
        self.number += 1
        return f"{self.prefix}{self.number}" if self.prefix else str(uuid.uuid4())

    def find(self, name: str) -> JsonObject | None:
        """Return a record by its own or its external ID."""
        return self.records.get(name) or self.by("external_id", name)

    def by(self, member: str, value: Any) -> JsonObject | None:
        """Return the record with this value of a unique member."""
        found = self._indexes[member].get(value)
        return None if found is None else self.records[found]

    def sharing(self, member: str, value: str) -> list[JsonObject]:
        """Return the records with a value of a shared member, in the order in which they were stored."""
        found = self._sharing.get((member, self._forms[member](value)), ())
        return [self.records[own_id] for own_id in found]

    def taken(self, record: JsonObject, own_id: str | None) -> Iterator[str]:
        """Yield the unique members of which another record has the value."""
        for member, index in self._indexes.items():
            value = record.get(member)
            if value is not None and index.get(value, own_id) != own_id:
                yield member

    def put(self, record: JsonObject) -> None:
        """Store a record under its `id`."""
        self.remove(record["id"])
        self.records[record["id"]] = record
        for member, index in self._indexes.items():
            if record.get(member) is not None:
                index[record[member]] = record["id"]
        for place in self._places(record):
            self._sharing.setdefault(place, {})[record["id"]] = None

    def remove(self, own_id: str) -> JsonObject | None:
        """Remove a record and return it."""
        record = self.records.pop(own_id, None)
        if record is not None:
            for member, index in self._indexes.items():
                # Where two records share it all the same, the later one holds it.
                if record.get(member) is not None and index.get(record[member]) == own_id:
                    del index[record[member]]
            for place in self._places(record):
                del self._sharing[place][own_id]
                if not self._sharing[place]:
                    del self._sharing[place]
        return record

    def _places(self, record: JsonObject) -> list[tuple[str, str]]:
        return [
            (member, form(record[member])) for member, form in self._forms.items() if record.get(member) is not None
        ]

    def dump(self) -> JsonObject:
        """Return the table as JSON."""
        return {"number": self.number, "records": list(self.records.values())}

    def load(self, dumped: JsonObject) -> None:
        """Load what `dump` returned."""
        for record in dumped["records"]:
            self.put(record)
        self.number = dumped["number"]


class Site:
    """State of one site. Dictionaries keep the order of creation."""

    def __init__(self, site_id: str, clock: Clock) -> None:
        self.id = site_id
        self.clock = clock
        self.settings: JsonObject = {}
        self.currency: str | None = None
        self.groups: dict[str, JsonObject] = {BASE_GROUP: {"slug": BASE_GROUP, "name": "Base", "parent_slug": None}}
        self.products = Table("pp_", "external_id", "slug")
        self.variants = Table("pv_", "external_id")
        companies: dict[str, Callable[[str], str]] = {"parent_customer_id": str, "email": str.casefold}
        self.customers = Table("cu_", "external_id", "email", "uuid", shared=companies)
        self.addresses = Table("ca_", "external_id", shared={"customer_id": str})
        self.locations = Table("", "external_id")
        self.stock: dict[str, dict[str, JsonObject]] = {}
        self.price_lists: dict[str, JsonObject] = {}
        self.prices: dict[str, dict[str, JsonObject]] = {}
        self.purchases: dict[str, JsonObject] = {}
        self.transactions: dict[str, dict[str, JsonObject]] = {}
        self.logs: dict[str, JsonObject] = {}

    @property
    def now(self) -> str:
        """Return the time by the emulator's clock, as SparkLayer writes it."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def customer(self, lookup_by: str | None, name: str) -> JsonObject | None:
        """Return a customer by its platform's ID (`platform`), by `email`, or by either of SparkLayer's own IDs."""
        member = {"platform": "external_id", "email": "email"}.get(lookup_by or "")
        if member is not None:
            return self.customers.by(member, name)
        return self.customers.records.get(name) or self.customers.by("uuid", name)

    def addresses_of(self, customer: JsonObject) -> list[JsonObject]:
        """Return the addresses of a customer as they are stored."""
        return self.addresses.sharing("customer_id", customer["id"])

    def dump(self) -> JsonObject:
        """Return everything as JSON."""
        return {
            name: value.dump() if isinstance(value, Table) else value
            for name, value in vars(self).items()
            if name != "clock"
        }

    def load(self, dumped: JsonObject) -> None:
        """Load what `dump` returned."""
        for name, value in dumped.items():
            current = getattr(self, name)
            if isinstance(current, Table):
                current.load(value)
            else:
                setattr(self, name, value)
