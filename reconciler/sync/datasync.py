"""The data syncs of an environment: which there are, what the ledger keeps of each, and whether it was applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import NotApplied, UsageError
from reconciler.ledger.config.model import Memory, SiteConnection, Snapshot
from reconciler.ledger.data.model import DataScope
from reconciler.manifest.connection import Connection
from reconciler.reconcile.diff import differences, without
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.sparklayer.kinds.data_sync.kind import discontinues_on_remove
from reconciler.sync.customers.settings import customer_settings
from reconciler.sync.datatype import NEVER, AnyDataType
from reconciler.sync.feeds import unheard_parts
from reconciler.sync.orders.settings import order_settings
from reconciler.sync.party_prices.settings import party_price_settings
from reconciler.sync.products.datatype import Products, bind_prices, bind_products, bind_stock
from reconciler.sync.products.settings import product_settings
from reconciler.sync.settings import FIRST_APPLIED, SyncSettings, sync_settings

KIND = "DataSync"
SOURCE, TARGET = "ordercloud", "sparklayer"
API_NAMES = {SOURCE: "OrderCloud", TARGET: "SparkLayer"}
Binder: TypeAlias = Callable[[Mapping[str, Any]], AnyDataType | None]
"""Binds a data type to what a manifest says; None: it does not flow."""


def bind_party_prices(state: Mapping[str, Any]) -> AnyDataType | None:
    """Bind the price lists of customers; where they do not flow, what they run is not imported."""
    if party_price_settings(state) is None:
        return None
    from reconciler.sync.party_prices.datatype import bind_party_prices as bind

    return bind(state)


def bind_customers(state: Mapping[str, Any]) -> AnyDataType | None:
    """Bind the customers; where they do not flow, what they run is not imported."""
    if customer_settings(state) is None:
        return None
    from reconciler.sync.customers.datatype import bind_customers as bind

    return bind(state)


def bind_orders(state: Mapping[str, Any]) -> AnyDataType | None:
    """Bind the orders; where they do not flow, what they run is not imported."""
    if order_settings(state) is None:
        return None
    from reconciler.sync.orders.datatype import bind_orders as bind

    return bind(state)


DATA_TYPES: tuple[Binder, ...] = (bind_products, bind_party_prices, bind_customers, bind_orders)
"""The data types in the order in which one command runs them: what others refer to comes first."""
BESIDE_PULL: tuple[Binder, ...] = (bind_prices, bind_party_prices)
"""Those that our runs send where SparkLayer pulls: Ignite has no pages of prices."""
PULLED: Mapping[str, Binder] = {
    "products": bind_products,
    "stock": bind_stock,
    "customers": bind_customers,
    "purchases": bind_orders,
}
"""The data types that SparkLayer may pull, under Ignite's names for them."""
TYPE_NAMES = ("products", "prices", "stock", "party-prices", "customers", "orders")
"""Their names, for the command line."""


class Standing(StrEnum):
    """Whether what the manifest says is what was applied last."""

    APPLIED = "applied"
    NEVER = "never"
    CHANGED = "changed"


class DataSync(Struct, frozen=True):
    """One data type of a data sync, as the manifest says: it has runs, a lock, and a place in the ledger of its own.

    Args:
        name: of the manifest.
        settings: when it runs, and what it promises, for this data type.
        data: what flows.
        scope: what the ledger keeps it under.
        standing: whether that was applied.
        applied_at: when it was applied last; None: never.
        leaving: it was applied as absent, and what it wrote is to be discontinued.
        mode: who brings its records: push, pull or both.
        is_pulled: SparkLayer alone brings this data type, by pages.
        site: what the ledger knows of SparkLayer's connection; None: it never made one.
        unheard: by part, why its messages cannot come, as far as manifests and ledger tell.
    """

    name: str
    settings: SyncSettings
    data: AnyDataType
    scope: DataScope
    standing: Standing
    applied_at: datetime | None = None
    leaving: bool = False
    mode: str = "push"
    is_pulled: bool = False
    site: SiteConnection | None = None
    unheard: Mapping[str, str] = {}

    @property
    def is_disconnected(self) -> bool:
        """Whether SparkLayer ended its connection to the site, so that nothing is sent."""
        return self.site is not None and not self.site.connected

    @property
    def may_send(self) -> bool:
        """Whether runs may send anything: it stands as it was applied, and its site is not disconnected."""
        return self.standing is Standing.APPLIED and not self.is_disconnected

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{KIND}/{self.name}"

    @property
    def type(self) -> str:
        """Name of the data type."""
        return self.data.name

    @property
    def command(self) -> str:
        """Words by which a command names it: `shop`, or `shop --type orders` where the DataSync has several types."""
        return self.settings.command

    @property
    def environment(self) -> str:
        """Name of the environment."""
        return self.scope.environment


def data_syncs(session: Session, memory: Memory) -> tuple[DataSync, ...]:
    """Return the data syncs of an environment, by name, and each by its data types in the order in which they run.

    Args:
        session: the environment.
        memory: tells what was applied.
    """
    wanted = sorted((item for item in session.desired if item.kind == KIND and not item.absent), key=_name)
    return tuple(sync for item in wanted for sync in _data_syncs(session, memory, item))


def changed_syncs(session: Session, memory: Memory) -> tuple[DataSync, ...]:
    """Return the data types of which a full sync is due once the manifests are applied as they stand.

    Args:
        session: the environment.
        memory: tells what was applied.
    """
    found = []
    for sync in data_syncs(session, memory):
        at = (sync.scope.target, KIND, sync.scope.integration)
        applied = memory.snapshots.get(at)
        if applied is None:
            found.append(sync)
        elif sync.standing is Standing.CHANGED:
            state = {**applied.state, FIRST_APPLIED: memory.first_applied.get(at, session.opened_at)}
            before = [
                data
                for bind in (*DATA_TYPES, bind_prices)
                if (data := bind(state)) is not None and data.name == sync.type
            ]
            if not any(data.digest == sync.data.digest for data in before):
                found.append(sync)
    return tuple(found)


def pulled_syncs(session: Session, memory: Memory) -> tuple[DataSync, ...]:
    """Return what SparkLayer alone brings to its sites (mode pull), by name of the DataSync and by data type."""
    wanted = sorted((item for item in session.desired if item.kind == KIND and not item.absent), key=_name)
    found = (_bound(session, memory, item, tuple(PULLED.values())) for item in wanted if _mode(item) == "pull")
    return tuple(sync for syncs in found for sync in syncs)


def pulled_sync(session: Session, memory: Memory, name: str, ignite_type: str) -> tuple[DataSync, bool] | None:
    """Return the data type of a DataSync that SparkLayer may pull, and whether it alone brings it to the site.

    Args:
        session: the environment.
        memory: tells what was applied.
        name: of the DataSync.
        ignite_type: what Ignite calls the data type; see `PULLED`.

    Returns:
        None: it does not flow, or our runs alone send it. Where both bring it, pages are of what our runs keep in the
        ledger: stock is then a part of products.
    """
    for item in session.desired:
        if item.kind != KIND or item.absent or item.name != name or (mode := _mode(item)) == "push":
            continue
        bind = PULLED[ignite_type]
        if mode == "both" and bind is bind_stock and "stock" in item.state:
            bind = bind_products
        for sync in _bound(session, memory, item, (bind,)):
            return sync, mode == "pull"
    return None


def _mode(desired: Desired) -> str:
    return str(desired.state.get("mode", "push"))


def leaving_syncs(session: Session, memory: Memory) -> tuple[DataSync, ...]:
    """Return the data syncs that were applied as absent and whose products are to be discontinued, by name.

    Args:
        session: the environment.
        memory: tells what was applied.
    """
    absent = [item for item in session.desired if item.kind == KIND and item.absent]
    found = (_leaving(session, memory, item) for item in absent if discontinues_on_remove(item.state))
    return tuple(sorted((sync for sync in found if sync is not None), key=lambda sync: sync.name))


def _leaving(session: Session, memory: Memory, desired: Desired) -> DataSync | None:
    target = session.connections[TARGET].live_side
    removed = memory.removals.get((target, KIND, desired.id))
    # What was reviewed counts: where it was applied with `keep`, nothing is discontinued.
    if removed is None or not discontinues_on_remove(removed.state):
        return None
    data = Products(product_settings(removed.state))
    return DataSync(
        desired.name,
        settings_for(data, sync_settings(desired.name, removed.state), several=False),
        data,
        DataScope(session.name, target, desired.id, data.name),
        Standing.APPLIED,
        removed.applied_at,
        leaving=True,
    )


def _data_syncs(session: Session, memory: Memory, desired: Desired) -> Iterator[DataSync]:
    return _bound(session, memory, desired, BESIDE_PULL if _mode(desired) == "pull" else DATA_TYPES)


def _bound(session: Session, memory: Memory, desired: Desired, binders: Sequence[Binder]) -> Iterator[DataSync]:
    target = session.connections[TARGET].live_side
    applied = memory.snapshots.get((target, KIND, desired.id))
    settings, standing = sync_settings(desired.name, desired.state), _standing(session, desired, applied)
    first = memory.first_applied.get((target, KIND, desired.id), session.opened_at)
    state = {**desired.state, FIRST_APPLIED: first}
    flowing = [data for bind in binders if (data := bind(state)) is not None]
    for data in flowing:
        yield DataSync(
            desired.name,
            settings_for(data, settings, several=len(flowing) > 1),
            data,
            DataScope(session.name, target, desired.id, data.name),
            standing,
            None if applied is None else applied.applied_at,
            mode=_mode(desired),
            is_pulled=binders is not BESIDE_PULL and _mode(desired) == "pull",
            site=memory.sites.get(target),
            unheard=_unheard(session, memory, data),
        )


def _unheard(session: Session, memory: Memory, data: AnyDataType) -> Mapping[str, str]:
    source = session.connections.get(SOURCE)
    if source is None:
        return {}
    return unheard_parts(data, session.desired, memory, source.live_side, session.opened_at)


def settings_for(data: AnyDataType, settings: SyncSettings, *, several: bool) -> SyncSettings:
    """Return the settings of a DataSync as they hold for one of its data types, which may be one of several.

    A data type may have a walk interval of its own. Where lists alone show nothing, only walks look: light walks never
    come before them, and all that is promised is what walks keep.
    """
    if several:
        settings = replace(settings, data_type=data.name)
    if data.walk_interval == NEVER:
        return replace(
            settings,
            look_interval=settings.walk_interval,
            freshness=settings.rest_freshness,
            walk_interval=NEVER,
        )
    if data.walk_interval is not None:
        settings = replace(settings, walk_interval=data.walk_interval)
    if data.lights:
        return settings
    return replace(settings, look_interval=settings.walk_interval, freshness=settings.rest_freshness)


def _name(desired: Desired) -> str:
    return desired.name


def _standing(session: Session, desired: Desired, applied: Snapshot | None) -> Standing:
    if applied is None:
        return Standing.NEVER
    after, before = (without(dict(state), desired.ignore) for state in (desired.state, applied.state))
    same = not any(True for _ in differences(session.kinds[KIND].spec, after, before, frozenset()))
    return Standing.APPLIED if same else Standing.CHANGED


def named(
    syncs: Sequence[DataSync], environment: str, name: str | None, data_type: str | None = None
) -> tuple[DataSync, ...]:
    """Return the data types of the data sync of this name, in the order in which they run; None takes the only one.

    Args:
        syncs: those of the environment.
        environment: its name.
        name: of the data sync.
        data_type: this one alone.

    Raises:
        UsageError: there is no such one, or more than one and none is named.
    """
    names = ", ".join(dict.fromkeys(sync.name for sync in syncs))
    if not syncs:
        raise UsageError(
            f"the environment {environment} has no {KIND}", next_step=f"Add a manifest of kind {KIND}, and apply it."
        )
    if name is None and any(sync.name != syncs[0].name for sync in syncs):
        raise UsageError(f"the environment {environment} has several: {names}", next_step="Name one of them.")
    found = tuple(sync for sync in syncs if name is None or sync.name == name)
    if not found:
        raise UsageError(f"the environment {environment} has no {KIND} {name}", next_step=f"It has {names}.")
    if data_type is None:
        return found
    types = ", ".join(sync.type for sync in found)
    found = tuple(sync for sync in found if sync.type == data_type)
    if not found:
        raise UsageError(f"of {name or names} no {data_type[:60]} flow", next_step=f"It has {types}.")
    return found


def require_applied(sync: DataSync) -> None:
    """Refuse a data sync that nobody reviewed and applied as it stands in the manifest.

    Raises:
        NotApplied: it was never applied, or not as it is now.
    """
    if sync.standing is Standing.APPLIED:
        return
    how = "was never applied" if sync.standing is Standing.NEVER else "is not as it was applied"
    raise NotApplied(
        f"{sync.key} {how} in {sync.environment}, and only what was reviewed and applied runs",
        next_step=f"Look at it with `reconciler plan -e {sync.environment} --target {sync.key}`, then "
        f"`reconciler apply -e {sync.environment} --target {sync.key}`.",
    )


def connections_of(session: Session) -> tuple[Connection, Connection]:
    """Return how to reach the source and the target.

    Raises:
        UsageError: the Environment does not say how.
    """
    missing = [api for api in (SOURCE, TARGET) if api not in session.connections]
    if missing:
        raise UsageError(
            f"the environment {session.name} does not say how to reach {missing[0]}",
            next_step=f"Add spec.{missing[0]} to its Environment.",
        )
    return session.connections[SOURCE], session.connections[TARGET]
