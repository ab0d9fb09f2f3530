"""The saved plans that `apply` is given: files, folders, the gated one, and the digest that somebody has seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.clock import utc_now
from reconciler.errors import GuardrailBreach, ReconcilerError, StalePlan, UsageError

if TYPE_CHECKING:
    from reconciler.app.saved_plans import Gate
    from reconciler.http.observe import Observer
    from reconciler.reconcile.gathered import Reviewed

_Function = TypeVar("_Function", bound=Callable[..., Any])


def saved_plan_options(function: _Function) -> _Function:
    """Add `--gated` and `--digest` to a command."""
    gated = click.option(
        "--gated",
        metavar="PLAN.json",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A plan made for this run; taken where the forge says that the environment has reviewers.",
    )
    digest = click.option("--digest", metavar="DIGEST", help="Apply the plan only if this is its digest.")
    return gated(digest(function))


def reviewed_plans(
    options: Options, files: tuple[Path, ...], gated: Path | None, digest: str | None
) -> tuple[Reviewed, ...]:
    """Return the saved plans that the command line names, in the order in which they were made.

    Raises:
        UsageError: there is a digest, and not one plan.
        PlanFileError: one cannot be read, or is no plan.
        StalePlan: a folder has no plan, or the plan has another digest.
    """
    from reconciler.app.saved_plans import read_reviewed, require_digest

    if not (files or gated):
        if digest is not None:
            raise UsageError("--digest is about a saved plan", next_step="Name the file before it.")
        return ()
    found = read_reviewed(files, _environment(options), gated)
    return require_digest(found, digest) if digest is not None else found


@contextmanager
def refusal_written(
    options: Options, files: tuple[Path, ...], gated: Path | None, overrides: Mapping[str, str]
) -> Iterator[None]:
    """Within, where nothing of saved plans may be applied, `--output` gets a report that says why of each."""
    from reconciler.app.saved_plans import read_reviewed

    try:
        yield
    except (StalePlan, GuardrailBreach) as error:
        if options.output is not None and (files or gated):
            with suppress(ReconcilerError):
                _write_refusal(options, read_reviewed(files, _environment(options), gated), error, overrides)
        raise


def _write_refusal(
    options: Options, reviewed: tuple[Reviewed, ...], error: ReconcilerError, overrides: Mapping[str, str]
) -> None:
    from reconciler.app.saved_plans import nothing_approved
    from reconciler.reconcile.digests import PLAN_KEY
    from reconciler.report.renderers import APPLY

    report = nothing_approved(reviewed, error, utc_now(), overrides, os.environ.get(PLAN_KEY))
    if report is not None:
        show(options, APPLY, report)


def _environment(options: Options) -> str | None:
    named = options.project.environments
    return named[0] if len(named) == 1 else None


def gate_of(gated: Path | None, observer: Observer) -> Gate | None:
    """Return what asks the forge about a gated plan; None where there is none, so that no forge is needed."""
    if gated is None:
        return None
    from reconciler.gitops.gate import forge_gate

    return forge_gate(os.environ, observer)
