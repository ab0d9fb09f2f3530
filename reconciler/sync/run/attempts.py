"""Who repeats what in a run, and how often. One table; nothing else in a run repeats.

| what failed | who repeats it | how often |
|---|---|---|
| refused unprocessed: 429, offline, a clash of writes | the transport, `http.retry.Repeater` | for `--patience` |
| a read, a write of the sync log: no answer, 5xx, no JSON | `breaker.Breaker` | `RUN_TRIES` while others go through |
| what the target only tells as a whole, failing so | its data type | 4 times, for a sample 2, while others go through |
| the write of a record, alone or in a batch | `breaker.Breaker` | `RECORD_TRIES` while others go through |
| a batch that failed so while others went through | `batcher.Batcher` | each half of its records, and so on |
| anything, while nothing goes through | `breaker.Breaker` | for `--patience`; then the run is interrupted |
| the same, and longer waits that are asked for, in a worker | `workers.turn` | a run later: see `Job.gives_back` |
| a record whose write failed | `retries.Retries` | `RECORD_ATTEMPTS`, after 5, 10, 20, 40 s |
| a record that the source's index has not seen yet | `retries.Retries` | `STALE_READS`, every `STALE_WAIT` |
| a read that contradicts what was told | `retries.Retries` | after half of the time since, 1 s to 1 min, for `LAG` |
| a run that was interrupted | `loop.watch` | after 1, 2, 4 … 15 min |

So a write that never comes through is sent `RECORD_TRIES * RECORD_ATTEMPTS` times, and is a problem of its record then.
"""

from __future__ import annotations

from datetime import timedelta
from random import uniform

PATIENCE_SECONDS = 900.0
"""How long nothing may go through."""
RUN_TRIES = 7
RECORD_TRIES = 3
RECORD_ATTEMPTS = 5
STALE_READS = 5
STALE_WAIT = timedelta(seconds=30)
_FIRST_RETRY_SECONDS = 5.0

_SHORTEST_AGAIN, _LONGEST_AGAIN = timedelta(seconds=1), timedelta(minutes=1)
_JITTER = 0.2


def read_again_after(age: timedelta) -> timedelta:
    """Return how long a record waits that was told something else of a while ago than is read: more each time."""
    return jittered(min(max(age / 2, _SHORTEST_AGAIN), _LONGEST_AGAIN))


def jittered(wait: timedelta) -> timedelta:
    """Return about as long a wait, so that many that failed together are not tried together."""
    return wait * uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - nothing is kept secret by it


def retry_after(attempts: int) -> timedelta:
    """Return how long a record waits after so many failed attempts."""
    return timedelta(seconds=_FIRST_RETRY_SECONDS * 2.0 ** (min(attempts, RECORD_ATTEMPTS) - 1))
