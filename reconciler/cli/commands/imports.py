"""`reconciler import`: what is live, as new manifest files."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.app.signals import run_to_end
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
reconciler import -e production                  # a second environment
"""


@command("import", formats=IMPORT.formats, examples=EXAMPLES)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the new files.  [default: the manifest folder]",
)
@click.option(
    "--patches/--no-patches",
    default=None,
    help="Also patch and limit manifests that count here already.  [default: where nothing was applied yet]",
)
@target_option
@token_cache_option
@click.pass_obj
def import_(
    options: Options, into: Path | None, patches: bool | None, targets: tuple[str, ...], no_token_cache: bool
) -> None:
    """Write manifests for live objects that no manifest names yet, in new files.

    Defaults are left out. Secrets cannot be read back: they become references, and the variables to set are listed.
    What a manifest of another environment names is shared with it, and what differs becomes a patch in the Environment.
    """
    from reconciler.app.imports import import_into

    project, listener = options.project, Listener(options.verbosity)
    folder = into or project.manifests
    imported = run_to_end(
        import_into(project, folder, frozenset(targets), listener, token_cache=not no_token_cache, patches=patches)
    )
    show(options, IMPORT, imported.environment, imported.result, imported.files)
