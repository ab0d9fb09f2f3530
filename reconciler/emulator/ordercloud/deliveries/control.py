"""Control API of deliveries, below `/_emulator/`."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from reconciler.emulator.bodies import decode, validated
from reconciler.emulator.ordercloud.deliveries.feed import Feed
from reconciler.emulator.ordercloud.deliveries.log import DeliveryFault, DeliveryFaultRule, DeliverySetting
from reconciler.emulator.routing import Handler
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

_PATH = "/_emulator/deliveries"


class FullSyncSetting(BaseModel):
    """Body of `POST /_emulator/full-sync`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalog: str
    category: str | None = None


class DeliveryControl:
    """Control API of deliveries.

    Args:
        feed: what they steer.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Return method, path and handler of every endpoint."""
        return (
            ("GET", _PATH, self._list),
            ("PUT", _PATH, self._set),
            ("DELETE", _PATH, self._clear),
            ("GET", f"{_PATH}/pending", self._pending),
            ("POST", "/_emulator/full-sync", self._full_sync),
            ("GET", f"{_PATH}/faults", self._faults),
            ("POST", f"{_PATH}/faults", self._add_faults),
            ("DELETE", f"{_PATH}/faults", self._clear_faults),
        )

    def _list(self, request: Request) -> Answer:
        """List the messages to delivery targets, oldest first; with ?bodies=true with the last 1,000 bodies."""
        return json_answer(self._feed.log.dump(bodies=("bodies", "true") in request.params))

    def _set(self, request: Request) -> Answer:
        """Set how messages are sent: attempts, wait, timeout, hosts beside the loopback."""
        self._feed.set(validated(DeliverySetting, decode(request)))
        return json_answer(self._feed.setting.model_dump())

    def _clear(self, _request: Request) -> Answer:
        """Empty the list of deliveries."""
        self._feed.log.clear()
        return NO_CONTENT

    def _full_sync(self, request: Request) -> Answer:
        """Send all products of a catalog with their stock, as the portal's full sync does: {"catalog", "category"}."""
        setting = validated(FullSyncSetting, decode(request))
        return json_answer(self._feed.full_sync(setting.catalog, setting.category))

    def _pending(self, _request: Request) -> Answer:
        """Count what is not delivered yet: held by pauses, queued, later, under way."""
        return json_answer(self._feed.pending())

    def _faults(self, _request: Request) -> Answer:
        """List the delivery faults with how many messages each has seen and hit."""
        return json_answer([fault.dump() for fault in self._feed.faults])

    def _add_faults(self, request: Request) -> Answer:
        """Add one delivery fault, or a list of them: duplicate, late, reorder, lost."""
        decoded = decode(request)
        items = decoded if isinstance(decoded, list) else [decoded]
        self._feed.faults += [DeliveryFault(rule) for rule in [validated(DeliveryFaultRule, item) for item in items]]
        return self._faults(request)

    def _clear_faults(self, _request: Request) -> Answer:
        """Remove all delivery faults."""
        self._feed.faults.clear()
        return NO_CONTENT
