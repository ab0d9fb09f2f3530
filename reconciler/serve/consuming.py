"""Consumers of an environment: what brokers have is taken into the ledger, whatever is away for a while."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.intake.consumer import ConsumerStatus
from reconciler.ledger.data.fetched import FetchedStore

if TYPE_CHECKING:
    from reconciler.serve.service import Served, Service

_AGAIN_SECONDS = 5.0
_CA_FILE = "RECONCILER_CA_FILE"


async def consume(service: Service, served: Served, stop: asyncio.Event) -> None:
    """Run the consumers of an environment until told to stop; a ledger that is away is waited for.

    Args:
        service: the process.
        served: the environment.
        stop: set when they are to end; what was fetched is taken first.
    """
    from reconciler.intake.consumers import consumers_of

    def heard(status: ConsumerStatus) -> None:
        key = served.name, status.name
        if status.waiting_for is None:
            service.waits.pop(key, None)
            service.log.say("consumer-goes-on", f"{status.name} goes on", environment=served.name)
        elif not stop.is_set():
            service.waits[key] = status.waiting_for
            words = f"{status.name} waits for {status.waiting_for}"
            service.log.say("consumer-waits", words, level="warning", environment=served.name)

    def lost(status: ConsumerStatus, reason: str) -> None:
        words = f"{status.name}: {reason}. A walk of all data types looks for what they told"
        service.log.say("messages-missed", words, level="warning", environment=served.name)

    names = {each.data_sync for each in served.section.settings.consumers}
    while not stop.is_set():
        try:
            inboxes = {name: await served.inbox(name) for name in names}
            ledger = await asyncio.to_thread(served.ledger)
        except ReconcilerError as error:
            service.waits[served.name, "consumers"] = error.message
            await _pause(stop)
            continue
        service.waits.pop((served.name, "consumers"), None)
        consumers = consumers_of(
            served.section,
            inboxes,
            partial(FetchedStore, ledger.database, served.name),
            ca_file=os.environ.get(_CA_FILE),
        )
        for consumer in consumers:
            consumer.heard, consumer.lost = heard, lost
        served.consumers = tuple(consumer.status for consumer in consumers)
        await asyncio.gather(*(consumer.run(stop) for consumer in consumers))


async def _pause(stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=_AGAIN_SECONDS)
    waiting.cancel()
