"""A shop to sync: a checkout with a DataSync, both emulated APIs, and what the site should hold."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from reconciler.emulator.testing import RunningEmulator
from reconciler.ledger.tables import data_runs, records
from reconciler.ledger.writer import Ledger
from support.checkout import Checkout, Document, Ended, document
from support.naive import Content, Options, differences, expected, found

MARKETPLACES = Path(__file__).resolve().parents[1] / "data" / "marketplaces"
LOCATIONS = ("main", "warehouse-1", "warehouse-2", "shop-leeds")
LOG = "ordercloud/products"


class Portal:
    """OrderCloud as a person or another system uses it, past the reconciler."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._emulator = emulator
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        self._token: str | None = None

    def _login(self) -> str:
        form = b"grant_type=client_credentials&client_id=emulator&client_secret=emulator"
        with self._open(urllib.request.Request(self._emulator.ordercloud_auth_url, form)) as answer:
            token: str = json.load(answer)["access_token"]
        return token

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        if self._token is None:
            self._token = self._login()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._emulator.ordercloud_url}/{path}", data, headers, method=method)
        with self._open(request) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@dataclass
class Shop:
    """A marketplace and a site, and the sync between them."""

    checkout: Checkout
    options: Options = field(default_factory=Options)

    @property
    def emulator(self) -> RunningEmulator:
        return self.checkout.emulator

    @property
    def portal(self) -> Portal:
        return Portal(self.emulator)

    def environment(self, **spec: Any) -> Document:
        sparklayer = {
            "url": self.emulator.sparklayer_url,
            "siteID": "demo",
            "clientID": "emulator",
            "clientSecret": "emulator",
            "requestsPerSecond": 5000,
            **spec.pop("sparklayer", {}),
        }
        return self.checkout.environment(sparklayer=sparklayer, **spec)

    def data_sync(self, **spec: Any) -> Document:
        """Return the DataSync, and let the expectation know of it; what is given replaces its members."""
        locations = {name: name for name in LOCATIONS}
        stock = {"locations": locations, "default": "main"}
        whole = {"currency": "GBP", "products": {}, "stock": stock, "pricing": {}, **spec}
        stock, products = whole.get("stock") or {}, whole.get("products") or {}
        self.options = Options(
            locations=stock.get("locations", {}),
            default_location=stock.get("default"),
            currency=whole.get("currency"),
            list_currency=whole.get("currency"),
            price_list=(whole.get("pricing") or {}).get("priceList", Options.price_list),
            ship_weight_unit=products.get("shipWeightUnit", "kg"),
            catalogs=products.get("catalogs"),
            sku_is_id=products.get("mapping", {}).get("variants.sku") == "ID",
        )
        return document("DataSync", "shop", {name: value for name, value in whole.items() if value is not None})

    def prepare(self, *, environment: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Write the manifests and apply them."""
        self.write_manifests(environment=environment, **spec)
        self.checkout.applied()

    def write_manifests(self, *, environment: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Write the manifests."""
        checkout = self.checkout
        checkout.write("environment.yaml", self.environment(**(environment or {})))
        checkout.write("store.yaml", document("Store", "store", {"baseCurrency": "GBP"}))
        places = [document("StockLocation", name, {"externalID": name, "name": name.title()}) for name in LOCATIONS]
        checkout.write("places.yaml", *places)
        checkout.write("shop.yaml", self.data_sync(**spec))

    def change(self, **spec: Any) -> None:
        """Write the DataSync anew and apply."""
        self.checkout.write("shop.yaml", self.data_sync(**spec))
        self.checkout.applied()

    def seed_file(self, name: str) -> None:
        """Plant a marketplace in the vendor's format."""
        data = (MARKETPLACES / name).read_bytes()
        request = urllib.request.Request(
            f"{self.emulator.url}/_emulator/seed", data, {"Content-Type": "application/yaml"}, method="PUT"
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()

    # Running

    def run(self, *words: str) -> Ended:
        """Run the sync inside this process."""
        return self.checkout.call("sync", "run", "shop", "--format", "json", *words)

    def synced(self, *words: str) -> dict[str, Any]:
        """Run the sync, fail where it does not finish, and return its report."""
        ended = self.run(*words)
        assert ended.status == 0, str(ended)
        report: dict[str, Any] = ended.json
        # Each record counts once, whatever it took and however often the run was cut off.
        counts = dict(report["records"])
        assert counts.pop("seen") == sum(counts.values()) - counts["left"], counts
        return report

    def nothing_arrives_late(self) -> None:
        """Let so much time pass for the ledger that no write of a process that is gone can still arrive."""
        past = datetime(2000, 1, 1, tzinfo=UTC)
        with Ledger.open(self.checkout.ledger_url) as ledger, ledger.database.transaction() as tx:
            waits = records.c.doubt_until.is_not(None)
            tx.connection.execute(
                update(records).where(waits).values(doubt_until=past, retry_at=past, begun_at=past, begun_by="")
            )

    def time_passes(self, hours: float) -> None:
        """Let the runs that there were be so much longer ago."""
        with Ledger.open(self.checkout.ledger_url) as ledger, ledger.database.transaction() as tx:
            moments = select(data_runs.c.id, data_runs.c.started_at, data_runs.c.ended_at)
            for run in tx.connection.execute(moments).all():
                past = {name: getattr(run, name) - timedelta(hours=hours) for name in ("started_at", "ended_at")}
                tx.connection.execute(update(data_runs).where(data_runs.c.id == run.id).values(past))

    # What is there, and what should be

    def now(self) -> datetime:
        return datetime.fromisoformat(self.emulator.clock()["now"]).astimezone(UTC)

    def held(self) -> Content:
        """Return what the site holds."""
        return found(self.emulator.site(), self.options, LOG)

    def wanted(self, before: Content | None = None) -> Content:
        """Return what the site should hold, given what it held before."""
        options = replace(self.options, left_out=self.left_out())
        return expected(self.emulator.state()["ordercloud"], options, self.now(), before)

    def left_out(self) -> frozenset[str]:
        """Return the products that lists do not have, as the API itself shows it."""
        if self.emulator.control("GET", "switches")["clashing_xp"]["value"] != "left_out":
            return frozenset()
        products = self.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]
        pages = range(1, len(products) // 100 + 2)
        lists = [self.portal("GET", f"products?pageSize=100&page={page}")["Items"] for page in pages]
        listed = {item["ID"] for items in lists for item in items}
        return frozenset(product["ID"] for product in products) - listed

    def wrong(self, before: Content | None = None) -> list[str]:
        """Return what the site holds otherwise than it should."""
        return differences(self.wanted(before), self.held())

    def log(self) -> dict[str, Any]:
        """Return the sync log: its dates that are set, and its errors by external ID."""
        log = self.emulator.site()["logs"].get(LOG, {"times": {}, "errors": {}})
        times = {name: value for name, value in log["times"].items() if value is not None}
        return {**times, "errors": log["errors"]}

    def writes(self) -> list[str]:
        """Return the writes of records that the site has seen, as `METHOD path`; the sync log's are not among them."""
        return [line for line in self.all_writes() if " sync-log/" not in line]

    def all_writes(self) -> list[str]:
        """Return all writes that the site has seen, those of the sync log too."""
        return [
            f"{request['method']} {request['path'].removeprefix('/sparklayer/api/v1/')}"
            for request in self.emulator.requests()
            if is_write(request)
        ]


def is_write(request: Mapping[str, Any]) -> bool:
    """Whether a logged request may change the site; the two reads by POST do not."""
    path = request["path"]
    if not path.startswith("/sparklayer/") or path.endswith(("/auth/token", "/batch-fetch-stock")):
        return False
    return request["method"] != "GET"
