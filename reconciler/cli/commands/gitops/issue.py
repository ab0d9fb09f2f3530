"""`reconciler gitops issue`: drift as one rolling issue for each environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.forge_options import ForgeOptions, forge_options
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, write_result
from reconciler.errors import Place, PlanFileError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.gitops.event import Event
    from reconciler.gitops.posting import Posted
    from reconciler.reconcile.plan import DriftReport

EXAMPLES = """
reconciler gitops issue drift.json
reconciler gitops issue drift-*.json --work-item-type Issue
reconciler gitops issue drift.json --print              # connects to nothing
"""


@command("issue", examples=EXAMPLES, manifests=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@forge_options
@click.option("--work-item-type", metavar="NAME", help="What is opened on Azure DevOps; Issue is the default.")
@click.option("--print", "only_print", is_flag=True, help="Print the text and write nothing anywhere.")
@click.pass_obj
def issue(
    options: Options, /, files: tuple[Path, ...], work_item_type: str | None, only_print: bool, **told: Any
) -> Status:
    """Keep one rolling issue for each environment: opened on drift, brought up to date, closed when there is none.

    FILE is what `drift --save` wrote. It is written only where something changed since the last run; what is snoozed
    is folded in it. An issue that somebody closed stays closed until something else drifts. GitLab has no rolling
    issue: there the report stands in the job's output.
    """
    from reconciler.gitops.forge_names import ForgeName
    from reconciler.gitops.issue import issue_body

    reports = [_read(file) for file in files]
    event = None if only_print else ForgeOptions(**told).event()
    if event is None or event.forge is ForgeName.GITLAB:
        write_result(options, "\n".join(issue_body(report, url=event.run_url if event else None) for report in reports))
        return Status.DONE
    kept = run_to_end(_kept(event, reports, Listener(options.verbosity), told["author"], work_item_type))
    for report, posted in zip(reports, kept, strict=True):
        say(_words(posted, report.environment))
    return Status.DONE


def _read(file: Path) -> DriftReport:
    from reconciler.reconcile.plan import DriftReport
    from reconciler.report.documents.saved import read_result

    found = read_result(file)
    if not isinstance(found, DriftReport):
        raise PlanFileError(
            "this is no drift report", place=Place(str(file)), next_step="Write one with `drift --save`."
        )
    return found


async def _kept(
    event: Event, reports: Sequence[DriftReport], listener: Listener, author: str | None, work_item_type: str | None
) -> list[Posted]:
    from reconciler.gitops.connect import open_forge
    from reconciler.gitops.posting import post_issue

    async with open_forge(event, listener, author=author, work_item_type=work_item_type) as forge:
        return [await post_issue(forge, report, url=event.run_url) for report in reports]


def _words(posted: Posted, environment: str) -> str:
    from reconciler.gitops.posting import Did

    where = f" {terminal(posted.where)}" if posted.where else ""
    told = {
        Did.CREATED: f"opened{where}",
        Did.UPDATED: f"brought up to date{where}",
        Did.REOPENED: f"opened again{where}",
        Did.CLOSED: f"closed{where}",
        Did.UNCHANGED: f"unchanged{where}",
        Did.LEFT_CLOSED: f"left as somebody closed it{where}; `drift snooze` mutes drift with a reason",
        Did.NOTHING: "none, because nothing drifts",
    }
    return f"Drift issue of {terminal(environment)}: {told.get(posted.did, posted.did)}."
