"""What a rehearsed run found that the real one would do. A plain value, rendered by report/."""

from __future__ import annotations

from msgspec import Struct

from reconciler.ledger.data.model import CodeCount
from reconciler.sync.explanation import Explanation
from reconciler.sync.run.report import RunReport


class DryRun(Struct, frozen=True):
    """What a run would do.

    Args:
        report: of the rehearsal; what it counts as written would be.
        codes: problems that would be open after it, by code, the most frequent first.
        written: the first records of which something would be written.
        discontinued: the first records that would be discontinued.
        shown: how a few of those to be written differ from what the target has.
        lacks: what the target has not, and a run needs; None: nothing.
        applied: whether the manifest is what was applied: a run starts only then.
    """

    report: RunReport
    codes: tuple[CodeCount, ...] = ()
    written: tuple[str, ...] = ()
    discontinued: tuple[str, ...] = ()
    shown: tuple[Explanation, ...] = ()
    lacks: str | None = None
    applied: bool = True
