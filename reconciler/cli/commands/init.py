"""`reconciler init`: a repository to begin with, or what one lacks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from msgspec.structs import replace

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, say, write_result

if TYPE_CHECKING:
    from reconciler.app.project import Project
    from reconciler.gitops.init.repository import Begun

REGIONS = ("us-west", "us-east", "australia-east", "europe-west", "japan-east")
EXAMPLES = """
reconciler init shop --ci github       # on the emulator, no credentials
reconciler init --ci github -e sandbox -e production
reconciler init -e sandbox --from-live # reads OC_CLIENT_ID, OC_CLIENT_SECRET
reconciler init --ci github            # again, after new secrets
"""


@command("init", examples=EXAMPLES, manifests=False)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--ci", type=click.Choice(("github", "azure", "gitlab")), help="Write the pipelines of this forge.")
@click.option(
    "-e",
    "--environment",
    "added",
    multiple=True,
    metavar="NAME",
    help="Environment to add or import from; may be repeated.  [default: those that are there, or `emulator`]",
)
@click.option("--from-live", is_flag=True, help="Import what is live there, instead of manifests to begin with.")
@click.option("--region", type=click.Choice(REGIONS), default="us-west", show_default=True, help="Of new environments.")
@click.option("--branch", metavar="NAME", help="The default branch.  [default: what git says, or main]")
@click.option("--requirement", metavar="REQUIREMENT", help="What pipelines install.  [default: what runs here]")
@click.option("--force", is_flag=True, help="Replace files that were edited.")
@click.pass_obj
def init(
    options: Options,
    directory: Path | None,
    ci: str | None,
    added: tuple[str, ...],
    from_live: bool,
    region: str,
    branch: str | None,
    requirement: str | None,
    force: bool,
) -> None:
    """Begin a repository in DIR: manifests, editor settings, a pre-commit hook, pipelines.

    What is there stays: only pipelines that nobody has edited are brought up to date. It ends with what is to be set by
    hand in the forge, and where. For --from-live, SANDBOX_OC_CLIENT_ID beats OC_CLIENT_ID for an environment `sandbox`,
    so that one command can read several.
    """
    import asyncio

    from reconciler.gitops.init.pipelines import CI
    from reconciler.gitops.init.repository import Wish, begin
    from reconciler.gitops.init.source import source
    from reconciler.gitops.init.told import begun_to_text, unfinished_to_text

    chosen: CI | None = next((name for name in get_args(CI) if name == ci), None)
    wish = Wish(directory or Path(), chosen, added, region, force, requirement)

    async def take(project: Project, folder: Path) -> Sequence[str]:
        from reconciler.app.imports import import_into

        done = await import_into(project, folder, frozenset(), Listener(options.verbosity))
        say(f"Imported from {done.environment}: {len(done.result.manifests)} new, {len(done.result.shared)} shared")
        return done.files

    style = result_style(options)
    if directory is not None:
        inside = directory if options.chdir is None else options.chdir / directory
        style = replace(style, given=replace(style.given, chdir=str(inside)))

    def unfinished(so_far: Begun) -> None:
        if text := unfinished_to_text(so_far, style):
            say(text.rstrip("\n"))

    taking = take if from_live else None
    begun = asyncio.run(begin(wish, os.environ, source(), taking, branch=branch, unfinished=unfinished))
    write_result(options, begun_to_text(begun, style))
