"""`reconciler sync-log`: what a merchant sees of the syncs, as SparkLayer keeps it."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.sync_log.clear import clear
from reconciler.cli.commands.sync_log.show import show


@click.group("sync-log", cls=Group)
def sync_log() -> None:
    """Show or clear the sync log that SparkLayer keeps and merchants read."""


for each in (show, clear):
    sync_log.add_command(each)
