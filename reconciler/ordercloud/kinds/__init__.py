"""The OrderCloud kinds, each one file, in the order in which docs list them."""

from __future__ import annotations

from reconciler.kind.kind import Kind
from reconciler.kind.request import RequestKind, RequestSpec
from reconciler.kind.semantics import SpecModel
from reconciler.ordercloud.kinds.delivery_config import DeliveryConfigKind
from reconciler.ordercloud.kinds.entity_sync import EntitySyncKind
from reconciler.ordercloud.kinds.error_config import ErrorConfigKind
from reconciler.ordercloud.kinds.order_sync import OrderSyncKind
from reconciler.ordercloud.kinds.product_sync import ProductSyncKind
from reconciler.ordercloud.kinds.resync import ResyncKind

KINDS: tuple[Kind[SpecModel], ...] = (
    DeliveryConfigKind(),
    ProductSyncKind(),
    EntitySyncKind(),
    OrderSyncKind(),
    ErrorConfigKind(),
)

REQUESTS: tuple[RequestKind[RequestSpec], ...] = (ResyncKind(),)
