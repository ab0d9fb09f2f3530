"""A process of its own that lends a hand to a run: `python hand_process.py URL RUN LEASE_SECONDS KEY=TEXT…`.

It prints what it sends, each key on a line, before the ledger hears of it; after a key that ends with `!` it stands
still. At the end it prints why it ended.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any

from reconciler.http.observe import Silent
from reconciler.ledger.data import hand_store, scoped
from reconciler.ledger.writer import Ledger
from reconciler.sync.run import feed, hand
from reconciler.sync.run.context import Job
from reconciler.sync.run.hand import lend_hand
from reconciler.sync.run.traffic import Traffic
from support.engine import SCOPE, SETTINGS, Site, Things


class Telling(Things):
    """Things that say what they send."""

    async def _send(self, state: Any) -> None:
        sys.stdout.write(f"{state.key}\n")
        sys.stdout.flush()
        if state.key.endswith("!"):
            await asyncio.Event().wait()
        await super()._send(state)


async def main(url: str, run_id: str, seconds: float, there: dict[str, str]) -> None:
    """Lend a hand, and say why it ended."""
    with Ledger.open(url) as ledger:
        site: Any = Site()
        job = Job(
            settings=SETTINGS,
            data=Telling(there=there),
            source=site,
            target=site,
            writer=site,
            store=ledger.store(SCOPE),
            source_url="https://source",
            holder="another process",
            source_traffic=Traffic("source", "Source", Silent()),
            target_traffic=Traffic("target", "Target", Silent()),
        )
        sys.stdout.write(f"{(await lend_hand(job, run_id, stop=asyncio.Event())).end.name}\n")


if __name__ == "__main__":
    hand_store.LEASE = scoped.LEASE = timedelta(seconds=float(sys.argv[3]))
    feed._IDLE_SECONDS = 0.0
    hand._BEAT_SECONDS = 0.1
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), dict(each.split("=") for each in sys.argv[4:])))
