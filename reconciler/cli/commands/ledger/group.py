"""`reconciler ledger`: what the ledger believes, and its care."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.ledger.backup import backup
from reconciler.cli.commands.ledger.copy import copy
from reconciler.cli.commands.ledger.migrate import migrate
from reconciler.cli.commands.ledger.rebind import rebind
from reconciler.cli.commands.ledger.show import show
from reconciler.cli.commands.ledger.unlock import unlock


@click.group("ledger", cls=Group)
def ledger() -> None:
    """Show, back up and migrate the ledger of an environment; remove a lock."""


for each in (show, backup, copy, migrate, unlock, rebind):
    ledger.add_command(each)
