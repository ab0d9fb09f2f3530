"""The SparkLayer kinds, each one file, in the order in which docs list them."""

from __future__ import annotations

from reconciler.kind.kind import Kind
from reconciler.kind.request import RequestKind, RequestSpec
from reconciler.kind.semantics import SpecModel
from reconciler.sparklayer.kinds.customer_group import CustomerGroupKind
from reconciler.sparklayer.kinds.data_sync.kind import DataSyncKind
from reconciler.sparklayer.kinds.price_list import PriceListKind
from reconciler.sparklayer.kinds.stock_location import StockLocationKind
from reconciler.sparklayer.kinds.store import StoreKind
from reconciler.sparklayer.kinds.sync_run import SyncRunKind

KINDS: tuple[Kind[SpecModel], ...] = (
    StoreKind(),
    PriceListKind(),
    CustomerGroupKind(),
    StockLocationKind(),
    DataSyncKind(),
)

REQUESTS: tuple[RequestKind[RequestSpec], ...] = (SyncRunKind(),)
