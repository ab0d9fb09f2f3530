"""The JSON of `sync run --clear-list`: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.reconcile.planfile import Count, Document
from reconciler.sync.clearing import ClearingReport

FORMAT_VERSION = 1


class RefusedDocument(Document):
    """A SKU whose prices the target did not take away."""

    sku: str
    message: str


class ClearingDocument(Document):
    """What became of the prices on an old list: printed by `reconciler sync run --clear-list SLUG --format json`."""

    format_version: Literal[1]
    environment: str
    sync: str = Field(description="Name of the DataSync.")
    price_list: str
    skus: Count = Field(description="SKUs that had prices there.")
    products: Count = Field(description="Products that they belong to.")
    override: str | None = Field(
        description="Why maxDeletePercent was passed, as the ledger keeps it; null: it was not."
    )
    done: bool = Field(description="It was agreed to; false with --dry-run.")
    removed: Count = Field(description="SKUs that lost their prices.")
    refused: list[RefusedDocument]
    no_list: bool = Field(description="There was no such list any more, and no prices with it.")


def clearing_to_json(report: ClearingReport) -> dict[str, Any]:
    """Return what became of the prices on an old list in the shape of `ClearingDocument`."""
    found, done = report.found, report.done
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "sync": report.sync,
        "price_list": found.price_list,
        "skus": found.skus,
        "products": found.products,
        "override": found.override,
        "done": done is not None,
        "removed": 0 if done is None else done.skus,
        "refused": []
        if done is None
        else [{"sku": sku, "message": said} for sku, said in sorted(done.refused.items())],
        "no_list": done is not None and done.no_list,
    }
