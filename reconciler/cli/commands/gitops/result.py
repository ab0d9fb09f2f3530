"""`reconciler gitops result`: what an apply did, told at the pull requests that it was about."""

from __future__ import annotations

import re
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
from reconciler.errors import Place, PlanFileError, UsageError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.gitops.event import Event
    from reconciler.reconcile.plan import ApplyReport

EXAMPLES = """
reconciler gitops result result.json                     # at this commit's
reconciler gitops result result.json --approved approved # at all of them
reconciler gitops result result.json --print             # connects to nothing
"""
_NUMBER = re.compile(r"([1-9][0-9]{0,17})\.json")


@command("result", examples=EXAMPLES, manifests=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--approved",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="What `gitops approved` wrote: these pull requests are told.",
)
@forge_options
@click.option("--print", "only_print", is_flag=True, help="Print the text and write nothing anywhere.")
@click.pass_obj
def result(options: Options, /, files: tuple[Path, ...], folder: Path | None, only_print: bool, **told: Any) -> Status:
    """Tell what an apply did, in a comment of its own at the pull requests that it was about.

    FILE is what `apply --format json --output FILE` wrote. An apply that had nothing to do writes nothing; a run that
    is started again writes into its own comment. The plans' comment is left as it is.
    """
    from reconciler.gitops.comment import result_comment

    reports = [_read(file) for file in files]
    event = ForgeOptions(**told).event()
    commit = event.commit
    if commit is None:
        raise UsageError("no commit is told", next_step="Run it in a pipeline, or give --commit.")
    if only_print:
        write_result(options, "\n".join(result_comment(report, commit, url=event.run_url) for report in reports))
        return Status.DONE
    worth = [report for report in reports if _says_something(report)]
    if not worth:
        say("Nothing was applied, so nothing is told.")
        return Status.DONE
    listener = Listener(options.verbosity)
    for words in run_to_end(_told(event, commit, worth, _numbers(folder, event), listener, told["author"])):
        say(words)
    return Status.DONE


def _says_something(report: ApplyReport) -> bool:
    """Whether anything was done, or a plan that was approved was left out."""
    left_out = any(plan.code for plan in report.plans)
    return bool(report.outcomes or left_out or report.interrupted or report.ledger_problem)


def _read(file: Path) -> ApplyReport:
    from reconciler.reconcile.plan import ApplyReport
    from reconciler.report.documents.saved import read_result

    found = read_result(file)
    if not isinstance(found, ApplyReport):
        raise PlanFileError(
            "this is no report of an apply",
            place=Place(str(file)),
            next_step="Write one with `reconciler apply --format json --output report.json`.",
        )
    return found


def _numbers(folder: Path | None, event: Event) -> dict[str | None, list[int]]:
    """Return the pull requests of each environment; under None those of any other."""
    if event.pull_request is not None:
        return {None: [event.pull_request]}
    found: dict[str | None, list[int]] = {None: []}
    for file in sorted(folder.glob("*/*.json")) if folder is not None else ():
        if (named := _NUMBER.fullmatch(file.name)) is not None:
            found.setdefault(file.parent.name, []).append(int(named[1]))
    return found


async def _told(
    event: Event,
    commit: str,
    reports: Sequence[ApplyReport],
    numbers: dict[str | None, list[int]],
    listener: Listener,
    author: str | None,
) -> list[str]:
    from reconciler.gitops.comment import result_comment, result_opening
    from reconciler.gitops.connect import open_forge
    from reconciler.gitops.posting import post_comment

    words: list[str] = []
    async with open_forge(event, listener, author=author) as forge:
        for report in reports:
            told = numbers.get(report.environment) or numbers[None]
            if not told:
                told = [pull.number for pull in (await forge.merged(None, commit, event.branch)).pulls]
            body = result_comment(report, commit, url=event.run_url)
            opening = result_opening(report.environment, commit)
            for number in told:
                posted = await post_comment(forge, number, body, opening=opening)
                words.append(f"Result of {terminal(report.environment)} at pull request {number}: {posted.did}.")
            if not told:
                words.append(f"No pull request was merged with {commit[:12]}, so nobody is told.")
    return words
