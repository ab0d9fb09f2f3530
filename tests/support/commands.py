"""Every command that can be run, with its path."""

from __future__ import annotations

from collections.abc import Iterator

import click

from reconciler.cli.command_table import TABLE, app


def leaves(group: click.Group = app, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield path and command, such as `sync run`; a group too, where it can be run without one."""
    children = {entry.name: entry.load() for entry in TABLE} if group is app else group.commands
    for name, command in children.items():
        whole = f"{path} {name}".strip()
        if not isinstance(command, click.Group):
            yield whole, command
            continue
        if command.invoke_without_command:
            yield whole, command
        yield from leaves(command, whole)
