"""One hand of a run that only writes to the ledger: `python -m benchmarks.ledger_hand LEDGER RUN`, see `ledger_alone`.

It prints `ready`, begins with a line on its input, ends where nothing is open, and prints its processor time.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from benchmarks.ledger_alone import SCOPE, result
from reconciler.ledger.writer import Ledger

_AT_ONCE = 100
_LEASE_SECONDS = 600.0


def main(url: str, run: str) -> None:
    """Claim, begin and record until nothing is left."""
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        store.hands.join(run, "bench")
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.process_time()
        while claimed := store.records.claim_due(_AT_ONCE, datetime.now(UTC), _LEASE_SECONDS, run):
            store.records.begin_writes([(level.key, ("product",)) for level in claimed], token=run)
            store.records.record([result(level.key, run) for level in claimed], run)
        print(time.process_time() - began)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
