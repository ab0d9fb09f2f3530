"""`reconciler doctor`: is everything there that a run needs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import click

from reconciler.app.project import for_each, open_sessions, readers, utc_now
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.reconcile.doctor import Finding, Verdict, examine
from reconciler.reconcile.session import Session
from reconciler.registry import open_reader
from reconciler.report.escape import json_text
from reconciler.report.text.doctor import doctor_to_json, doctor_to_text
from reconciler.sync.datasync import connections_of, data_syncs

EXAMPLES = """
reconciler doctor -e sandbox
reconciler doctor -e all --format json
"""


@command("doctor", formats=("text", "json"), examples=EXAMPLES)
@click.pass_obj
def doctor(options: Options) -> Status:
    """Check login, roles, delivery targets, secrets and the ledger of an environment.

    Each kind is read once, and what a data sync reads is tried. Of a delivery target only a TCP connection is tried,
    from here, and only where `targetHosts` allows its host; nothing is sent. The exit status is 1 where something has
    to be mended.
    """
    sessions, failures = open_sessions(options, utc_now())
    results = asyncio.run(_examine(sessions, Listener(options.verbosity)))
    found = {session.name: findings for session, findings in zip(sessions, results, strict=True)}
    if options.format == "json":
        write_result(options, json_text(doctor_to_json(found)))
    else:
        style = result_style(options)
        write_result(options, "\n".join(doctor_to_text(name, findings, style) for name, findings in found.items()))
    failed = any(finding.verdict is Verdict.FAILED for findings in found.values() for finding in findings)
    return combine([Status.ERROR if failed else Status.DONE, *(report_failure(error, options) for error in failures)])


async def _examine(sessions: Sequence[Session], listener: Listener) -> list[tuple[Finding, ...]]:
    async def one(session: Session) -> tuple[Finding, ...]:
        found = await examine(session, lambda kinds: readers(session, kinds, listener, token_cache=False), os.environ)
        return (*found, *await _examine_syncs(session, listener))

    results = await for_each(sessions, one)
    for result in results:
        if isinstance(result, ReconcilerError):
            raise result
    return [result for result in results if not isinstance(result, ReconcilerError)]


async def _examine_syncs(session: Session, listener: Listener) -> tuple[Finding, ...]:
    from reconciler.sync.monitor.doctor import examine_syncs  # it brings the HTTP client

    try:
        syncs = data_syncs(session, session.memory())
    except LedgerError as error:
        return (Finding("data", "ledger", Verdict.FAILED, error.message, error.next_step),)
    if not syncs:
        return ()
    source, _ = connections_of(session)
    return await examine_syncs(syncs, open_reader(source, (), token_cache=False, observer=listener))
