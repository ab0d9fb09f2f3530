"""Lift leases that are over beside what a command is for, as far as its roles allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reconciler.app.connections import writers
from reconciler.app.pausable import over, pausable_kinds
from reconciler.app.unattended import Unattended
from reconciler.errors import ApiError, ReconcilerError
from reconciler.reconcile.pause_report import Lifted

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.ledger.config.model import LockHolder
    from reconciler.pause.lease import Lease
    from reconciler.reconcile.session import Session


class Quiet(Unattended):
    """The face of a command that pauses or resumes beside what it is for: it tells of locks alone.

    Args:
        waits: hears that a lock is waited for.
    """

    def __init__(self, waits: Callable[[LockHolder], None]) -> None:
        super().__init__()
        self._waits = waits

    def waits_for(self, holder: LockHolder) -> None:
        """Pass it on."""
        self._waits(holder)


async def lift_where_allowed(
    session: Session, waits: Callable[[LockHolder], None], observer: Observer, command: str, *, token_cache: bool = True
) -> tuple[Lifted, tuple[ReconcilerError, ...]]:
    """Lift the leases that are over as far as our roles allow; return what became of them, and what stays paused.

    Args:
        session: the environment.
        waits: hears that a lock is waited for.
        observer: told of the requests.
        command: what the holder of the lock is called.
        token_cache: whether access tokens may be kept in files.

    Raises:
        LedgerError: the ledger cannot be read or written.
    """
    from reconciler.ledger.process import describe_holder

    with session.access.writing(session.settings.ledger) as ledger:
        kinds = pausable_kinds(session)
        ended = over(*ledger.leases(tuple(session.urls.values())), kinds)
        if not ended:
            return Lifted(session.name), ()
        from reconciler.app.pause import Desk, lift  # it brings all that applies, and leases are hardly ever over

        needed = tuple(dict.fromkeys(lease.kind for lease in ended))
        try:
            async with writers(session, needed, observer, token_cache=token_cache) as opened:
                desk = Desk(session, ledger, opened, describe_holder(command), Quiet(waits), needed)
                lifted = await lift(desk)
        except ApiError as error:
            return Lifted(session.name), tuple(_left(session, lease, error.message) for lease in ended)
    return lifted, tuple(problems_of(lifted))


def _left(session: Session, lease: Lease, words: str) -> ReconcilerError:
    return ReconcilerError(
        f"{lease.key} is still paused, although the lease of {lease.owner} is over: {words}",
        next_step=f"`reconciler drift --resume-expired -e {session.name}` resumes it, with a client that may.",
    )


def problems_of(lifted: Lifted) -> Iterator[ReconcilerError]:
    """Yield an error for each sync that could not be resumed; its lease stays, and the next who may write tries."""
    for sync in lifted.syncs:
        if not sync.is_done:
            words = sync.result.message if sync.result is not None and sync.result.message else "it was not tried"
            yield ReconcilerError(
                f"{sync.key} is still paused: {words}",
                next_step=f"`reconciler resume {sync.key} -e {lifted.environment}` tries again.",
            )
