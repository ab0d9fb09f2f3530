"""Examine environments: login, roles, delivery targets, secrets, the ledger, and what data syncs read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.app.connections import for_each, readers
from reconciler.app.probe import policy_of, probe, refuse_for_pull_requests
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.reconcile.doctor import Finding, Verdict, examine
from reconciler.reconcile.session import Session
from reconciler.registry import open_reader
from reconciler.sync.datasync import connections_of, data_syncs

if TYPE_CHECKING:
    from reconciler.http.observe import Observer


async def examine_each(
    sessions: Sequence[Session], observer: Observer, *, targets: bool = False
) -> dict[str, tuple[Finding, ...]]:
    """Examine each environment and return its findings by its name.

    Args:
        sessions: the environments.
        observer: told of the requests.
        targets: whether delivery targets are probed, beyond a TCP connection.

    Raises:
        UsageError: targets are to be probed in a run for a pull request.
        ReconcilerError: an environment cannot be examined at all.
    """
    if targets:
        refuse_for_pull_requests(os.environ)

    async def one(session: Session) -> tuple[Finding, ...]:
        found = await examine(
            session,
            lambda kinds: readers(session, kinds, observer, token_cache=False),
            os.environ,
            lambda api: policy_of(session, api, os.environ, session.opened_at),
            probe=(lambda desired: probe(session, desired, os.environ, session.opened_at)) if targets else None,
        )
        return (*found, *await _examine_syncs(session, observer))

    findings: dict[str, tuple[Finding, ...]] = {}
    for session, result in zip(sessions, await for_each(sessions, one), strict=True):
        if isinstance(result, ReconcilerError):
            raise result
        findings[session.name] = result
    return findings


async def _examine_syncs(session: Session, observer: Observer) -> tuple[Finding, ...]:
    from reconciler.sync.monitor.doctor import examine_syncs  # it brings the HTTP client

    try:
        syncs = data_syncs(session, session.memory())
    except LedgerError as error:
        return (Finding("data", "ledger", Verdict.FAILED, error.message, error.next_step),)
    if not syncs:
        return ()
    source, _ = connections_of(session)
    if not source.client_secret.is_set:
        return ()  # which was told of the login
    return await examine_syncs(syncs, open_reader(source, (), token_cache=False, observer=observer))
