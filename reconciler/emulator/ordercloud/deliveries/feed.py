"""Feed of deliveries: messages of changed records, held while their sync is paused, then handed to the lanes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.orders import UNSUBMITTED
from reconciler.emulator.ordercloud.deliveries import payloads
from reconciler.emulator.ordercloud.deliveries.changes import Changes
from reconciler.emulator.ordercloud.deliveries.lane import Job, Lane, Outlet
from reconciler.emulator.ordercloud.deliveries.log import (
    Delivery,
    DeliveryFault,
    DeliveryFaultRule,
    DeliveryLog,
    DeliverySetting,
)
from reconciler.emulator.ordercloud.deliveries.records import (
    ERROR_TYPE,
    ORDER_SYNC,
    OTHER_STOCK_STEM,
    PRODUCT_SYNC,
    STOCK_SYNC,
    TOPICS,
    Record,
    key_of,
    names_of,
)
from reconciler.emulator.ordercloud.deliveries.senders import new_senders
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.state import State

ERROR_CONFIG = "/integrations/ErrorConfig"


class Feed:
    """Feed of messages from changed records.

    Args:
        state: for the switches.
        market: where the records are.
        syncs: the configured syncs by path.
        configs: the delivery configs by ID.
        hosts: globs of hosts that messages may go to, beside the loopback.
    """

    def __init__(
        self,
        state: State,
        market: Marketplace,
        syncs: Mapping[str, JsonObject],
        configs: Mapping[str, JsonObject],
        hosts: Sequence[str] = (),
    ) -> None:
        self._state = state
        self._market = market
        self._syncs = syncs
        self._configs = configs
        self._hosts = list(hosts)
        self._changes = Changes(state, market, syncs)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: dict[str, Lane] = {}
        self._senders = new_senders()
        self._outlet = Outlet(
            lambda: self.setting,
            lambda: state.switches,
            self._senders,
            self._enabled,
            self._compose,
            self._fault_of,
            self._begin,
            self._tell_of_failure,
        )
        self.log = DeliveryLog()
        self.reset()

    def reset(self) -> None:
        """Remove what is held and queued, the list, and what was set."""
        self._stop_sending()
        self._lanes.clear()
        self._changes.replaced()
        self._held: dict[str, dict[Record, int]] = {}
        self.log.clear()
        self.setting = DeliverySetting(hosts=self._hosts)
        self.faults: list[DeliveryFault] = []

    def set(self, setting: DeliverySetting) -> None:
        """Set how messages are sent from now on. Without hosts, to those that were named at the start."""
        named = "hosts" in setting.model_fields_set
        self.setting = setting if named else setting.model_copy(update={"hosts": self._hosts})

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start to send. Until then, and where nobody starts it, there are no deliveries."""
        self._loop = loop

    def stop(self) -> None:
        """Stop to send; what waits is lost."""
        self._loop = None
        self._stop_sending()

    def _stop_sending(self) -> None:
        for lane in self._lanes.values():
            lane.stop()
        for sender in self._senders.values():
            sender.close()

    def flush(self) -> None:
        """Make messages of the records that were changed since the last time; called after every request."""
        for record, before in self._changes.taken():
            sync = self._syncs.get(record.sync)
            if sync is not None and self._enabled(sync["DeliveryConfigID"]) is not None and self._flows(record, before):
                self._take(record, before, sync)
        for path in list(self._held):
            sync = self._syncs.get(path)
            if sync is None or not sync.get("Paused"):
                self._release(path, sync)

    def request(self, record: Record) -> None:
        """Send a record that somebody asked for by a /sync operation, whatever the flags of its sync say.

        inferred: that a paused sync sends it as well.
        """
        sync = self._syncs[record.sync]
        self._queue(sync, Job(record, asked=True))

    def full_sync(self, catalog: str, category: str | None) -> dict[str, int]:
        """Send all products of a catalog, or of one of its categories, and their stock, as the portal's full sync does.

        documented: it is per catalog, optionally one category, and that inventory comes as full messages. inferred: one
        message per record, whatever the flags of the syncs say.
        """
        store = self._market.store
        tied = store.table("ProductCatalogAssignment").starting_with(f"{catalog}/")
        if category is not None:
            tied = store.table("CategoryProductAssignment", (catalog,)).starting_with(f"{category}/")
        products = [pair.split("/")[1] for pair in tied]
        sent = {"products": 0, "inventory": 0}
        for product in products:
            if PRODUCT_SYNC in self._syncs:
                sent["products"] += 1
                self.request(Record(PRODUCT_SYNC, "Product", (), product))
            if STOCK_SYNC in self._syncs and payloads.stock_rows(self._market, product):
                sent["inventory"] += 1
                record = Record(STOCK_SYNC, "InventoryRecord", (product,), product)
                self._queue(self._syncs[STOCK_SYNC], Job(record, asked=True, full=True))
        return sent

    def pending(self) -> dict[str, Any]:
        """Count messages that are not delivered yet: held by pauses, queued, waiting, under way; and those refused."""
        lanes = self._lanes.values()
        return {
            "held": {path: len(held) for path, held in self._held.items() if held},
            "queued": sum(lane.queued for lane in lanes),
            "later": sum(lane.later for lane in lanes),
            "underWay": sum(lane.under_way for lane in lanes),
            "refused": sum(lane.refused for lane in lanes),
        }

    def dump(self) -> list[list[Any]]:
        """Dump what pauses hold, as JSON."""
        return [[*record, changes] for held in self._held.values() for record, changes in held.items()]

    def load(self, dumped: list[list[Any]]) -> None:
        """Load what `dump` returned."""
        self._held = {}
        for sync, name, scope, key, changes in dumped:
            record = Record(sync, name, tuple(scope), key)
            self._held.setdefault(sync, {})[record] = int(changes)

    # What becomes a message

    def _flows(self, record: Record, before: JsonObject | None) -> bool:
        sync = self._syncs[record.sync]
        if record.sync == ORDER_SYNC:
            # documented: there is no message about an order that was deleted.
            row = self._market.row(record.name, record.scope, record.key)
            drafts = self._state.switches.delivery_drafts == "sent"
            return row is not None and (drafts or row.get("Status") != UNSUBMITTED)
        stock = record.name.endswith("InventoryRecord")
        if stock and before is not None and self._state.switches.delivery_stock_deleted == "not_sent":
            return False
        kind = "Product" if record.name == "Product" else "Entity"
        return bool(sync.get(f"Sync{kind}{'Changed' if before is None else 'Deleted'}"))

    def _take(self, record: Record, before: JsonObject | None, sync: JsonObject) -> None:
        held = self._held.setdefault(record.sync, {})
        if before is not None:
            # documented: deletes are not held back. What is held of the record must not bring it back.
            held.pop(record, None)
            self._queue(sync, Job(record, before))
        elif sync.get("Paused") or record in held:
            held[record] = held.get(record, 0) + 1
        else:
            self._queue(sync, Job(record))

    def _release(self, path: str, sync: JsonObject | None) -> None:
        held = self._held.pop(path)
        if sync is None or self._enabled(sync["DeliveryConfigID"]) is None:
            return
        for record, changes in held.items():
            if self._market.row(record.name, record.scope, record.key) is not None:
                self._queue(sync, Job(record, changes=changes), bounded=False)

    def _queue(self, sync: JsonObject, job: Job, *, bounded: bool = True) -> None:
        lane = self._lane(sync["DeliveryConfigID"])
        if lane is not None:
            # A delete goes before everything else, as it is documented to go at once.
            lane.push(job, first=job.before is not None, bounded=bounded)

    def _lane(self, config_id: str) -> Lane | None:
        if self._loop is None:
            return None
        lane = self._lanes.get(config_id)
        if lane is None:
            lane = self._lanes[config_id] = Lane(config_id, self._outlet, self._loop)
        return lane

    # What lanes ask

    def _enabled(self, config_id: str) -> JsonObject | None:
        config = self._configs.get(config_id)
        return config if config is not None and config.get("Enabled") else None

    def _compose(self, job: Job) -> Outgoing | str:
        record = job.record
        assert record is not None  # noqa: S101 (for the type checker)
        topic = TOPICS[record.name]
        row = self._market.row(record.name, record.scope, record.key)
        if job.before is not None:
            if row is not None and job.entry is not None:
                return "the record is there again, and was told of"
            other = topic.sync == STOCK_SYNC and self._state.switches.delivery_stock_deleted == "sent_by_other_name"
            message_type = topic.type("deleted", OTHER_STOCK_STEM if other else None)
            return self._outgoing(message_type, payloads.deleted(record, self._state.switches), record)
        if job.full:
            return self._outgoing(topic.type("full.updated"), payloads.full_stock(self._market, record), record)
        if row is None:
            return "the record is gone"
        sync = self._syncs.get(record.sync)
        if sync is None:
            return "the sync is gone"
        payload = payloads.updated(self._market, record, row, sync, self._state.switches)
        return self._outgoing(topic.type("updated"), payload, record)

    def _outgoing(self, message_type: str, payload: JsonObject, record: Record) -> Outgoing:
        # inferred: whether members are written as the reference pages have them; see the switch.
        if self._state.switches.delivery_member_case == "camel":
            payload = {_camel(name): value for name, value in payload.items()}
        return Outgoing.of(message_type, payload, key_of(record))

    def _fault_of(self, message_type: str, record_id: str) -> DeliveryFaultRule | None:
        return next((fault.rule for fault in self.faults if fault.hits(message_type, record_id)), None)

    def _begin(self, config_id: str, target: str, message_type: str, job: Job) -> Delivery:
        record = job.record
        sync = ERROR_CONFIG if record is None else record.sync
        entry = Delivery(sync, config_id, target, message_type, {} if record is None else names_of(record))
        entry.changes = job.changes
        self.log.add(entry)
        return entry

    def _tell_of_failure(self, job: Job, entry: Delivery) -> None:
        """Send a notice to the delivery config of the ErrorConfig, if there is one; not about a notice.

        documented: that errors can go there; inferred: what a notice says.
        """
        config = self._syncs.get(ERROR_CONFIG)
        if config is None or job.record is None or self._enabled(config["DeliveryConfigID"]) is None:
            return
        last = entry.attempts[-1]
        payload = {
            "UserContext": payloads.USER_CONTEXT,
            "DeliveryConfigID": entry.config_id,
            "Target": entry.target,
            "MessageType": entry.type,
            "Record": entry.record,
            "Attempts": len(entry.attempts),
            "Error": last["error"] or f"HTTP {last['status']}",
        }
        self._queue(config, Job(None, frozen=Outgoing.of(ERROR_TYPE, payload)))


def _camel(name: str) -> str:
    return name.lower() if name.isupper() else f"{name[:1].lower()}{name[1:]}"


def wanted(path: str, ids: Mapping[str, str], market: Marketplace) -> Iterator[Record]:
    """Yield the record that a /sync operation names, if it is there.

    Args:
        path: of the sync.
        ids: the operation's body.
        market: where the record is.
    """
    *parents, key = ids.values()
    for name, topic in TOPICS.items():
        if topic.sync != path:
            continue
        scopes = [tuple(parents)]
        if name == "VariantInventoryRecord":
            scopes = [scope for scope in market.store.scopes(name) if scope[:1] == tuple(parents)]
        for scope in scopes:
            if key in market.store.table(name, scope):
                yield Record(path, name, scope, key)
                return
