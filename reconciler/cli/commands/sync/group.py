"""`reconciler sync`: run data syncs, and see how they are doing."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.sync.cancel import cancel
from reconciler.cli.commands.sync.drop import drop
from reconciler.cli.commands.sync.errors import errors
from reconciler.cli.commands.sync.retry import retry
from reconciler.cli.commands.sync.run import run
from reconciler.cli.commands.sync.status import status
from reconciler.cli.commands.sync.watch import watch


@click.group("sync", cls=Group)
def sync() -> None:
    """Run data syncs; show their status and problems."""


for each in (run, watch, status, errors, retry, drop, cancel):
    sync.add_command(each)
