"""A process that consumes a topic into a ledger, for tests that kill it.

`python -m support.consuming LEDGER BROKERS TOPIC` writes a line
each time that the ledger has a batch, and waits a moment before it tells the broker.
"""

from __future__ import annotations

import asyncio
import sys

from reconciler.intake.consumer import Consumer, ConsumerStatus
from reconciler.intake.dependencies import Flows
from reconciler.intake.inbox import AsyncInbox, Inbox
from reconciler.intake.kafka import KafkaSettings, KafkaSource
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import Malformed, Message

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")


class Told:
    """An inbox that says so before it returns."""

    def __init__(self, inbox: AsyncInbox) -> None:
        self._inbox = inbox

    async def take(self, *messages: Message | Malformed) -> None:
        await self._inbox.take(*messages)
        sys.stdout.write(f"{len(messages)}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.1)


async def main(url: str, servers: str, topic: str) -> None:
    settings = KafkaSettings(servers, (topic,), topic, tls=False, session=1.5)
    with Ledger.open(url) as ledger:
        inbox = Inbox(InboxStore(ledger.database, [SCOPE]), Flows(frozenset({"products"})))
        async with AsyncInbox(inbox) as durable:
            consumer = Consumer(ConsumerStatus("kafka", "shop"), KafkaSource(settings), Told(durable))
            await consumer.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
