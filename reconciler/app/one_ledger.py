"""Environments that one process works on share one ledger: limits, locks and leases hold within a ledger alone."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import UsageError
from reconciler.ledger.url import LedgerUrl
from reconciler.words import some


def require_one_ledger(ledgers: Mapping[str, LedgerUrl]) -> None:
    """Refuse environments of several ledgers, and list which has which.

    Plans and drift checks need no such rule: they compare each environment by itself, and whatever they write goes to
    its own ledger. What goes on for days shares connections, one rate limit per API and one page, and these stand in
    one ledger.

    Args:
        ledgers: of each environment, by its name.

    Raises:
        UsageError: they are of several.
    """
    by_ledger: dict[str, tuple[str, list[str]]] = {}
    for name, url in sorted(ledgers.items()):
        by_ledger.setdefault(_identity(url), (url.shown, []))[1].append(name)
    if len(by_ledger) < 2:
        return
    listed = "; ".join(f"{some(names)} in {shown}" for shown, names in by_ledger.values())
    raise UsageError(
        f"one process works on the environments of one ledger, and these have {len(by_ledger)}: {listed}",
        next_step="Name those of one ledger with -e, and run a process for each ledger; or set RECONCILER_LEDGER to "
        "one for all, after `reconciler ledger copy`.",
    )


def _identity(url: LedgerUrl) -> str:
    """Return the same text for the same place, however it was written."""
    return url.conninfo if url.path is None else str(url.path.resolve())
