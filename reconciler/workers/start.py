"""Start of a worker: the environments whose jobs it takes, all of one ledger; those that are broken set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.app.chosen import Chosen
from reconciler.app.commits import clean_commit
from reconciler.app.connections import require_secrets
from reconciler.app.one_ledger import require_one_ledger
from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError, UsageError
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.turns import Waits
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import LedgerUrl
from reconciler.reconcile.session import Session
from reconciler.sync.datasync import KIND, DataSync, connections_of, data_syncs
from reconciler.words import some


class Manned:
    """One environment whose jobs a worker takes. Everything here that reads the ledger blocks: call it in a thread.

    Args:
        session: the environment.
        reopened: opens a session of the same manifests at another time.
        commit: what they stand at in git; None: not known.
    """

    def __init__(self, session: Session, reopened: Callable[[datetime], Session], commit: str | None) -> None:
        self.session = session
        self.commit = commit
        self._reopened = reopened
        self._syncs: tuple[DataSync, ...] | None = None

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.session.name

    @property
    def data_syncs(self) -> tuple[str, ...]:
        """Names of its DataSyncs."""
        wanted = (item.name for item in self.session.desired if item.kind == KIND and not item.absent)
        return tuple(sorted(dict.fromkeys(wanted)))

    def chosen(self, name: str) -> tuple[Chosen, ...]:
        """Return the data types of a DataSync that may run, as manifests and ledger have it now.

        Raises:
            ReconcilerError: manifests or ledger cannot be read.
        """
        session = self._reopened(utc_now())
        self._syncs = _syncs_of(session)
        return tuple(Chosen(session, sync) for sync in self._syncs if sync.name == name and sync.may_send)

    def known(self, waits: Mapping[DataScope, Waits]) -> tuple[DataSync, ...]:
        """Return the DataSyncs that may run.

        The ledger is asked anew where it knows other settings than it did, and for those that could not run: they may
        have been applied, or their site connected, since.

        Args:
            waits: what waits, by scope.

        Raises:
            ReconcilerError: manifests or ledger cannot be read.
        """
        applied = {scope: each.applied for scope, each in waits.items()}
        known = self._syncs
        if known is None or not all(sync.may_send and applied.get(sync.scope) == sync.data.digest for sync in known):
            known = self._syncs = _syncs_of(self._reopened(utc_now()))
        return tuple(sync for sync in known if sync.may_send)


def _syncs_of(session: Session) -> tuple[DataSync, ...]:
    with Ledgers() as ledgers:
        return data_syncs(session, session.memory(ledgers))


class Opened(Struct, frozen=True):
    """The environments of a project whose jobs a worker takes, and why it takes none of others.

    Args:
        ledger: of all of them.
        manned: by name.
        broken: why others are not, by name.
    """

    ledger: LedgerUrl
    manned: Mapping[str, Manned]
    broken: Mapping[str, ReconcilerError]


def open_environments(project: Project) -> Opened:
    """Open the environments that are meant; of several, one that is broken takes out itself alone.

    Raises:
        UsageError: they have several ledgers, or one that no other process can take jobs from.
        ReconcilerError: none can be opened, and why.
    """
    commit = clean_commit(project.manifests)
    manned: dict[str, Manned] = {}
    broken: dict[str, ReconcilerError] = {}
    for name, reopened in project.openers().items():
        if isinstance(reopened, ReconcilerError):
            broken[name] = reopened
            continue
        try:
            found = Manned(reopened(utc_now()), reopened, commit)
            if found.data_syncs:
                # Else each run fails here, and others, who could make it, wait ever longer for the next attempt.
                require_secrets(connections_of(found.session))
            manned[name] = found
        except ReconcilerError as error:
            broken[name] = error
    if not manned:
        raise next(iter(broken.values()))
    return Opened(_one_ledger(tuple(manned.values())), manned, broken)


def _one_ledger(manned: Sequence[Manned]) -> LedgerUrl:
    require_one_ledger({each.name: each.session.settings.ledger for each in manned})
    url = manned[0].session.settings.ledger
    if url.path is not None:
        raise UsageError(
            f"workers need a ledger on PostgreSQL, and {some([each.name for each in manned])} has a file: {url}",
            next_step="On one machine `reconciler serve` or `sync watch` does it all; `reconciler ledger copy` takes a "
            "ledger to PostgreSQL.",
        )
    return url
