"""The file that `plan --save` writes, also where planning fails, and the commit that it names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.files import write_file
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import say
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError, UsageError
from reconciler.report.renderers import PLAN

if TYPE_CHECKING:
    from reconciler.reconcile.plan import Plan


def planned_commit(options: Options, commit: str | None) -> str | None:
    """Return the commit that is planned: as given, the head of the pull request, or that of a clean checkout."""
    from reconciler.app.commits import clean_commit

    return commit or _head_of_pull_request() or clean_commit(options.project.manifests)


def _head_of_pull_request() -> str | None:
    """Return the head of the pull request that a pipeline runs for: what is checked out there is a merge with it."""
    from reconciler.gitops.event import TOLD_BY, read_event

    if not any(os.environ.get(name) for name in TOLD_BY.values()):
        return None
    try:
        event = read_event(os.environ)
    except ReconcilerError:
        return None  # which forge it is matters to `gitops` alone
    return event.commit if event.pull_request is not None else None


def save_plan(path: Path, plan: Plan) -> None:
    """Write the file of a plan, signed where there is a key.

    Raises:
        OutputError: it cannot be written.
    """
    from reconciler.reconcile.digests import PLAN_KEY, signed

    write_file(path, PLAN.render("json", signed(plan, os.environ.get(PLAN_KEY))))


@contextmanager
def failure_saved(path: Path | None, options: Options, commit: str | None) -> Iterator[None]:
    """Within, an error that ends the planning is kept in the file: an older plan must not stand there as this one."""
    from reconciler.app.plan import failed_plan

    try:
        yield
    except UsageError:
        raise
    except ReconcilerError as error:
        if path is not None:
            save_plan(path, failed_plan(_environment(options), error, utc_now(), commit))
            say(f"Saved as {path} that planning failed: it approves nothing")
        raise


def _environment(options: Options) -> str:
    """Return the environment that is planned, or nothing where the manifests do not even tell that."""
    try:
        return options.project.name()
    except ReconcilerError:
        return next(iter(options.project.environments), "")
