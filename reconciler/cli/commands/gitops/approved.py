"""`reconciler gitops approved`: the plans that merged pull requests approve, as files for `apply`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.files import write_file
from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.forge_options import ForgeOptions, forge_options
from reconciler.cli.options import Options
from reconciler.cli.plan_options import full_commit
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.gitops.approval import Gathered
    from reconciler.gitops.event import Event
    from reconciler.gitops.forge import Forge, Walk

EXAMPLES = """
reconciler gitops approved -e production --output approved
reconciler gitops approved -e all --output approved --workflow PATH
reconciler apply approved/production            # what it has found
"""


@command("approved", examples=EXAMPLES, environments="several", result=False)
@click.option(
    "--output",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the plans: DIR/ENVIRONMENT/NUMBER.json for each pull request.",
)
@click.option(
    "--since", metavar="SHA", callback=full_commit, help="The commit that was applied last; else the ledger is asked."
)
@click.option(
    "--workflow",
    "named",
    multiple=True,
    metavar="PATH",
    help="Workflow whose plans count; may be repeated.  [default: this one, and the one that `init` writes]",
)
@forge_options
@click.pass_obj
def approved(options: Options, /, folder: Path, since: str | None, named: tuple[str, ...], **told: Any) -> Status:
    """Gather the plans of all pull requests that were merged since the last commit that was applied.

    A plan counts when it was made by a run for the pull request's last commit, of our workflow in this repository, and
    when it approves something still. Why others do not is said on stderr. Where there is none for any environment the
    exit status is 4: then plan anew, and let somebody review that. With --pull-request, that one alone is looked at.
    """
    event = ForgeOptions(**told).event()
    number = told["pull_request"]
    if event.commit is None and number is None:
        raise UsageError("no commit is told", next_step="Run it in a pipeline, or give --commit.")
    starts = _starts(options, since)
    for environment in starts:
        if any((folder / environment).glob("*.json")):
            raise UsageError(
                f"{folder / environment} has plans already, which would count as approved",
                next_step="Name another folder, or remove it.",
            )
    listener = Listener(options.verbosity)
    found = run_to_end(_gathered(event, number, starts, named, told["author"], listener))
    for gathered in found:
        _write(folder, gathered)
    return Status.DONE if any(gathered.plans for gathered in found) else Status.STALE


def _starts(options: Options, since: str | None) -> dict[str, str | None]:
    """Return the environments that are meant, each with the commit that was applied to it last."""
    from reconciler.ledger.reader import Ledgers

    with Ledgers() as ledgers:
        found = options.project.settings_of_each().items()
        return {name: since or ledgers.applied_commit(settings.ledger, name) for name, settings in found}


async def _gathered(
    event: Event,
    number: int | None,
    starts: dict[str, str | None],
    named: Sequence[str],
    author: str | None,
    listener: Listener,
) -> list[Gathered]:
    from reconciler.gitops.approval import gather, workflows
    from reconciler.gitops.connect import open_forge
    from reconciler.reconcile.digests import PLAN_KEY

    paths, key = workflows(event, named), os.environ.get(PLAN_KEY)
    async with open_forge(event, listener, author=author) as forge:
        # Several environments were mostly applied up to the same commit.
        walks = {since: await _walk(forge, event, number, since) for since in dict.fromkeys(starts.values())}
        return [
            await gather(forge, environment, walks[since], paths, utc_now(), key)
            for environment, since in starts.items()
        ]


async def _walk(forge: Forge, event: Event, number: int | None, since: str | None) -> Walk:
    from reconciler.gitops.forge import Walk

    if number is None:
        return await forge.merged(since, event.commit or "", event.branch)
    pull = await forge.pull_request(number)
    if pull.merge_commit is None:
        return Walk((), (f"pull request {number} is not merged",))
    return Walk((pull,))


def _write(folder: Path, gathered: Gathered) -> None:
    for words in gathered.told:
        say(f"{gathered.environment}: {terminal(words)}.")
    place = folder / gathered.environment
    for plan in gathered.plans:
        place.mkdir(parents=True, exist_ok=True)
        write_file(place / f"{plan.number}.json", plan.content.decode())
    if gathered.plans:
        numbers = ", ".join(str(plan.number) for plan in gathered.plans)
        say(f"{gathered.environment}: approved by pull request {numbers}, in {place}.")
    else:
        say(f"{gathered.environment}: nothing is approved.")
