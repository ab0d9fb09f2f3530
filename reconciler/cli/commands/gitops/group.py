"""`reconciler gitops`: what a pipeline tells its forge, and asks it."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.gitops.comment import comment
from reconciler.cli.commands.gitops.issue import issue


@click.group("gitops", cls=Group)
def gitops() -> None:
    """Comment plans at pull requests and keep an issue on drift, from a pipeline of a forge."""


for each in (comment, issue):
    gitops.add_command(each)
