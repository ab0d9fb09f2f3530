"""`reconciler demo`: a guided run of the main job on the emulator, in a minute."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import wants_color
from reconciler.errors import MissingExtra

EXAMPLES = """
reconciler demo            # less than a minute
reconciler demo --step     # waits for Enter between the steps
"""


@command("demo", examples=EXAMPLES, manifests=False, result=False)
@click.option("--step", is_flag=True, help="Wait for Enter between the steps.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Work in this new folder."
)
@click.pass_obj
def demo(options: Options, step: bool, keep: Path | None) -> Status:
    """Watch validate, plan, apply, drift, data syncs and import at work against the emulator.

    Everything happens in a folder of its own, which is left behind with pages to look at: a plan, a pull request's
    comment, a rolling issue; your folder is not touched.
    """
    import shutil
    import tempfile

    from reconciler.cli.demo import ORDERS, PRODUCTS, SEED_NUMBER, Stage, find_example, play

    try:
        from reconciler.emulator.testing import running_emulator
    except ModuleNotFoundError as error:
        raise MissingExtra("The demo", "emulator") from error
    folder = (keep or Path(tempfile.mkdtemp(prefix="reconciler-demo-"))).resolve()
    shutil.copytree(find_example(), folder / "manifests")
    color = wants_color(options.color, sys.stdout, os.environ)
    with running_emulator() as emulator:
        emulator.seed(PRODUCTS, SEED_NUMBER, orders=ORDERS)
        stage = Stage(folder, emulator, color=color, waits=step and sys.stdin is not None and sys.stdin.isatty())
        return play(stage)
