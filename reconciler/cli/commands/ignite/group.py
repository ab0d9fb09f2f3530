"""`reconciler ignite`: an operator's word on what SparkLayer asks of its Ignite integration."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.ignite.allow_reconnect import allow_reconnect


@click.group("ignite", cls=Group)
def ignite() -> None:
    """Say what SparkLayer may do that it may not do by itself."""


ignite.add_command(allow_reconnect)
