"""Counts of a run, as the ledger keeps them by name: records by outcome, parts written, requests by provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconciler.ledger.data.as_before import AsBefore
from reconciler.ledger.data.model import Level

HELD_BACK, FAILED, DISCONTINUED = "held_back", "failed", "discontinued"
OUTCOMES = ("unchanged", "written", HELD_BACK, DISCONTINUED, FAILED)
"""What can become of a record that was looked at."""
_PROVISIONAL = (HELD_BACK, FAILED)
"""Outcomes after which a record may still come to another one in the same run."""
_MOST_UNCHANGED = 10_000
_PART = "part"
_TRAFFIC = ("requests", "writes", "refused", "log_writes")


class Requests(Struct, frozen=True):
    """Requests to one API.

    Args:
        requests: all of them.
        writes: those that may have changed a record.
        refused: those refused with 429.
        log_writes: those that wrote the sync log.
    """

    requests: int = 0
    writes: int = 0
    refused: int = 0
    log_writes: int = 0

    @property
    def reads(self) -> int:
        """Those that changed nothing."""
        return self.requests - self.writes - self.log_writes


class Tally(Struct):
    """Records of a run by outcome, so far; in the ledger as soon as the records are, but for `problems` and `left`."""

    seen: int = 0
    unchanged: int = 0
    written: int = 0
    held_back: int = 0
    discontinued: int = 0
    failed: int = 0
    problems: int = 0
    left: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Tally:
        """Return the tally of a run that goes on."""
        return cls(**{name: counts.get(name, 0) for name in ("seen", *OUTCOMES)})

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to what was counted, by name."""
        for name, number in counts.items():
            setattr(self, name, getattr(self, name) + number)


class Once:
    """Counts each record once in a run, with the outcome that it came to.

    Args:
        run_id: the run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._provisional: dict[str, str] = {}
        self._unchanged: dict[str, None] = {}

    def found_unchanged(self, keys: Iterable[str]) -> None:
        """Take note of records that count as unchanged, and in whose rows the run noted something all the same.

        Beyond the newest ten thousand they stay unchanged in the counts, whatever becomes of them.
        """
        self._unchanged.update(dict.fromkeys(keys))
        while len(self._unchanged) > _MOST_UNCHANGED:
            del self._unchanged[next(iter(self._unchanged))]

    def came_to(self, key: str, level: Level | None, outcome: str, *, was_gone: bool = False) -> dict[str, int]:
        """Return what a record adds to the counts, by name.

        Args:
            key: the record.
            level: as the ledger had it before; None: it did not know it.
            outcome: which it came to now.
            was_gone: it was gone from the target already.
        """
        before = self._provisional.pop(key, None)
        if before is None and was_counted(level):
            if not self._was_unchanged(key, level):
                return {}
            # It changed at the source while the run went on.
            before = "unchanged"
        self._unchanged.pop(key, None)
        if outcome in _PROVISIONAL:
            self._provisional[key] = outcome
        if before is not None:
            return {before: -1, outcome: 1} if before != outcome else {}
        if was_gone and outcome == "unchanged":
            return {}
        return {"seen": 1, outcome: 1}

    def _was_unchanged(self, key: str, level: Level | None) -> bool:
        """Whether a record that was counted certainly counts as unchanged.

        A run marks what it finds as it was, and leaves the row; what has a problem counts as held back or failed.
        """
        if level is None or level.gone or level.dead or level.problems:
            return False
        return key in self._unchanged or level.seen_run != self._run_id


def was_counted(level: Level | None) -> bool:
    """Whether the run under way counted a record already, in an earlier process perhaps."""
    return level is not None and level.is_seen and (level.dead or not level.attempts)


def count_as_before(found: AsBefore) -> dict[str, int]:
    """Return records that a look found as they were, under the outcome that they have had since, by name."""
    counts = {"seen": found.seen, "unchanged": found.good, HELD_BACK: found.held_back, FAILED: found.dead}
    return {name: number for name, number in counts.items() if number}


def count_parts(written: Mapping[str, int]) -> dict[str, int]:
    """Return records by part that was written, under the names of the ledger."""
    return {f"{_PART}:{part}": number for part, number in written.items()}


def parts_in(counts: Mapping[str, int], parts: Iterable[str]) -> dict[str, int]:
    """Return how many records each part was written of, from the counts of a run."""
    return {part: counts.get(f"{_PART}:{part}", 0) for part in parts}


def count_requests(requests: Mapping[str, Requests]) -> dict[str, int]:
    """Return requests by provider, under the names of the ledger."""
    return {f"{name}:{api}": getattr(found, name) for api, found in requests.items() for name in _TRAFFIC}


def requests_in(counts: Mapping[str, int]) -> dict[str, Requests]:
    """Return requests by provider, from the counts of a run."""
    providers = [name.partition(":")[2] for name in counts if name.startswith(f"{_TRAFFIC[0]}:")]
    return {api: Requests(*(counts.get(f"{name}:{api}", 0) for name in _TRAFFIC)) for api in providers}
