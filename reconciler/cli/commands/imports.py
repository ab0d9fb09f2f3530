"""`reconciler import`: what is live, as new manifest files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.app.project import load_valid, open_one, readers, utc_now
from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.plan_options import target_option, token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.reconcile.importer import import_live
from reconciler.reconcile.live import LiveSide
from reconciler.reconcile.session import Session
from reconciler.report.escape import json_text
from reconciler.report.text.imports import import_to_json, import_to_text

EXAMPLES = """
reconciler import -e sandbox                     # what no manifest names yet
reconciler import -e sandbox --into manifests/imported
reconciler import -e sandbox --target DeliveryConfig/search-products
"""


@command("import", formats=("text", "json"), examples=EXAMPLES)
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
    from reconciler.app.imports import write_manifests

    # A patch may be for a manifest that this very import is to write.
    session = open_one(options, utc_now(), idle_patches=True)
    wanted = frozenset(targets)
    live = asyncio.run(_read(session, Listener(options.verbosity), token_cache=not no_token_cache))
    loaded = load_valid(options, idle_patches=True)
    managed = {
        **{(item.kind, old): item.name for item in session.desired for old in item.renamed_from},
        **{(item.kind, item.id): item.name for item in session.desired},
    }
    taken = {(manifest.kind, manifest.name) for manifest in loaded.manifests}
    result = import_live(session.kinds, live, managed, wanted, taken)
    limit = session.name if len(loaded.environments) > 1 else None
    files = write_manifests(result, into or options.manifests, only_in=limit)
    if options.format == "json":
        write_result(options, json_text(import_to_json(session.name, result, files)))
    else:
        write_result(options, import_to_text(session.name, result, files, result_style(options)))


async def _read(session: Session, listener: Listener, *, token_cache: bool) -> LiveSide:
    # Whatever the targets are: the names of what is referred to come from the other kinds.
    async with readers(session, (), listener, token_cache=token_cache) as opened:
        return await session.read(opened)
