"""`reconciler gitops`: what a pipeline tells its forge, and asks it."""

from __future__ import annotations

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.gitops.approved import approved
from reconciler.cli.commands.gitops.comment import comment
from reconciler.cli.commands.gitops.issue import issue
from reconciler.cli.commands.gitops.result import result


@click.group("gitops", cls=Group)
def gitops() -> None:
    """Comment plans at pull requests, gather what was approved, tell what was applied, keep an issue on drift."""


for each in (comment, approved, result, issue):
    gitops.add_command(each)
