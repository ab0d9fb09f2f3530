"""A shop to measure with: its manifests, at an emulator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import RECONCILER, clean_environment, seconds_of
from reconciler.emulator.testing import RunningEmulator

SECRETS = {"OC_SECRET": "emulator", "SPARK_SECRET": "emulator"}
PLACES = ("main", "warehouse-1", "warehouse-2", "shop-leeds")


def document(kind: str, identity: str, **spec: Any) -> dict[str, Any]:
    """Return a manifest."""
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": identity}, "spec": spec}


def environment(emulator: RunningEmulator, per_second: float | None, **more: Any) -> dict[str, Any]:
    """Return the manifest of an environment with both APIs.

    Args:
        emulator: has them.
        per_second: how many requests each may get; None: as many as by default.
        more: what else it says.
    """
    connection: dict[str, Any] = {"clientID": "emulator"}
    if per_second is not None:
        connection["requestsPerSecond"] = per_second
    return document(
        "Environment", "shop", ledger="sqlite:///ledger.db",
        ordercloud={
            "apiUrl": emulator.ordercloud_url, "authUrl": emulator.ordercloud_auth_url, **connection,
            "clientSecret": "${secret:OC_SECRET}",
        },
        sparklayer={
            "url": emulator.sparklayer_url, "siteID": "demo", **connection, "clientSecret": "${secret:SPARK_SECRET}"
        },
        **more,
    )  # fmt: skip


def write(folder: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write the manifests of a folder, in place of those that it has."""
    manifests = folder / "manifests"
    manifests.mkdir(parents=True, exist_ok=True)
    (manifests / "shop.yaml").write_text("\n---\n".join(json.dumps(each) for each in documents))


def prepare(
    emulator: RunningEmulator, folder: Path, per_second: float, *documents: Mapping[str, Any]
) -> dict[str, str]:
    """Write the manifests of a new folder and apply them; return the environment variables.

    Raises:
        RuntimeError: they could not be applied.
    """
    write(folder, [environment(emulator, per_second), document("Store", "store", baseCurrency="GBP"), *documents])
    environ = clean_environment(folder, **SECRETS)
    seconds_of([RECONCILER, "apply", "--yes"], folder, environ)
    return environ


def prepare_stocked(emulator: RunningEmulator, folder: Path, per_second: float) -> dict[str, str]:
    """Apply a DataSync of products, stock at four places and prices; see `prepare`."""
    stock = {"locations": {place: place for place in PLACES}, "default": "main"}
    return prepare(
        emulator, folder, per_second,
        *(document("StockLocation", place, externalID=place, name=place) for place in PLACES),
        document("DataSync", "shop", currency="GBP", products={}, stock=stock, pricing={}),
    )  # fmt: skip


def writes_records(request: Mapping[str, Any]) -> bool:
    """Whether a request of the emulator's log wrote records; the sync log is no record."""
    path = request["path"]
    reads = ("/token", "/batch-fetch-stock")
    return request["method"] != "GET" and not path.endswith(reads) and "/sync-log/" not in path
