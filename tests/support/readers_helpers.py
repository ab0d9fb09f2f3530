"""An emulated marketplace, a connection to it, and what the readers have to make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.testing import RunningEmulator
from reconciler.http.client import HttpReader
from reconciler.http.retry import RetryPolicy
from reconciler.kind.connection import Wire
from reconciler.ordercloud.client import connect
from reconciler.secret import Secret

QUICK = RetryPolicy(attempts=8, base=0.01, longest=0.05, longest_retry_after=0.05)
_WORKED_OUT = ("Address", "CompanyID", "IsOnSale")
_PARTS = ("Variants", "InventoryRecords", "DefaultPriceSchedule", "PartyPriceSchedules", "LineItems", "Shipments")


@dataclass(frozen=True)
class Settings:
    emulator: RunningEmulator
    requests_per_second: float = 100_000

    @property
    def api_url(self) -> str:
        return self.emulator.ordercloud_url

    @property
    def auth_url(self) -> str:
        return self.emulator.ordercloud_auth_url

    client_id = "emulator"

    @property
    def client_secret(self) -> Secret:
        return Secret("(literal)", lambda: "emulator")


@asynccontextmanager
async def connected(emulator: RunningEmulator) -> AsyncIterator[HttpReader]:
    async with connect(Settings(emulator), token_cache=False, policy=QUICK) as reader:
        yield reader


class Dump:
    """The marketplace as the emulator itself knows it."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._objects: dict[str, dict[str, list[Wire]]] = emulator.state()["ordercloud"]["commerce"]["objects"]

    def rows(self, name: str, *scope: str) -> list[Wire]:
        return self._objects.get(name, {}).get("/".join(scope), [])

    def scopes(self, name: str) -> list[str]:
        return list(self._objects.get(name, {}))

    def products(self) -> dict[str, Wire]:
        """Every product with its parts, by ID."""
        schedules = {row["ID"]: row for row in self.rows("PriceSchedule")}
        found = {}
        for row in self.rows("Product"):
            name = row["ID"]
            variants = [
                {**variant, "InventoryRecords": self.rows("VariantInventoryRecord", name, variant["ID"])}
                for variant in self.rows("Variant", name)
            ]
            found[name] = {
                **row,
                "Variants": variants,
                "InventoryRecords": self.rows("InventoryRecord", name),
                "DefaultPriceSchedule": schedules.get(row.get("DefaultPriceScheduleID", "")),
            }
        return found


def plain(value: Any) -> Any:
    """What both sides can say of an object: nothing that is null, empty or worked out when it is read; lists by ID."""
    if isinstance(value, dict):
        kept = {name: plain(held) for name, held in value.items() if name not in _WORKED_OUT}
        return {name: held for name, held in kept.items() if held not in (None, [], {})}
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return sorted(items, key=lambda item: str(item.get("ID", item)) if isinstance(item, dict) else str(item))
    return value


def by_id(records: Any) -> dict[str, Any]:
    """Records by ID, as `plain` sees them; each ID comes once."""
    found: dict[str, Any] = {}
    for record in records:
        assert record["ID"] not in found, f"{record['ID']} came twice"
        found[record["ID"]] = plain(record)
    return found


def like(found: Any, expected: Any) -> Any:
    """What was found, without the members that are only there because the API shows their default."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return {
            name: like(value, expected.get(name)) for name, value in found.items() if name in expected or name in _PARTS
        }
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [like(*pair) for pair in zip(found, expected, strict=True)]
    return found


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare records by ID, member by member."""
    assert set(found) == set(expected)
    for name, record in expected.items():
        assert like(found[name], record) == record
