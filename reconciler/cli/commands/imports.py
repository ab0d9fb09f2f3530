"""`reconciler import`: what is live, as new manifest files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.app.imports import import_into
from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.plan_options import target_option, token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import show
from reconciler.report.renderers import IMPORT

EXAMPLES = """
reconciler import -e sandbox                     # what no manifest names yet
reconciler import -e sandbox --into manifests/imported
reconciler import -e sandbox --target DeliveryConfig/search-products
"""


@command("import", formats=IMPORT.formats, examples=EXAMPLES)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the new files.  [default: the manifest folder]",
)
@target_option
@token_cache_option
@click.pass_obj
def import_(options: Options, into: Path | None, targets: tuple[str, ...], no_token_cache: bool) -> None:
    """Write manifests for live objects that no manifest names yet, in new files.

    Defaults are left out. Secrets cannot be read back: they become references, and the variables to set are listed.
    """
    project, listener = options.project, Listener(options.verbosity)
    imported = asyncio.run(
        import_into(project, into or project.manifests, frozenset(targets), listener, token_cache=not no_token_cache)
    )
    show(options, IMPORT, imported.environment, imported.result, imported.files)
