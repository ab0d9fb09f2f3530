"""`reconciler sync-log`: what a merchant sees of the syncs, as SparkLayer keeps it."""

from __future__ import annotations

import asyncio

import click

from reconciler.app.apply import can_ask
from reconciler.app.project import environment_connection
from reconciler.cli.command import Group, command
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, say, write_result
from reconciler.errors import UsageError
from reconciler.manifest.connection import Connection
from reconciler.registry import open_reader, open_writer
from reconciler.report.escape import json_text, terminal
from reconciler.report.text.sync_log import Logs, sync_log_to_json, sync_log_to_text
from reconciler.sparklayer.sync_log import DATA_TYPES, clear_every_log, read_status

API = "sparklayer"
SHOW_EXAMPLES = """
reconciler sync-log show -e sandbox
reconciler sync-log show -e sandbox --type products --errors
reconciler sync-log show -e sandbox --integration shopify --format json
"""
CLEAR_EXAMPLES = """
reconciler sync-log clear -e sandbox          # asks first
reconciler sync-log clear -e sandbox --yes
"""


@click.group("sync-log", cls=Group)
def sync_log() -> None:
    """Show or clear the sync log that SparkLayer keeps and merchants read."""


@command("show", formats=("text", "json"), examples=SHOW_EXAMPLES)
@click.option("--integration", metavar="NAME", default="ordercloud", show_default=True, help="Whose log.")
@click.option("--type", "types", multiple=True, type=click.Choice(DATA_TYPES), help="Data types.  [default: all]")
@click.option("--errors", is_flag=True, help="Show the problems too, not just their number.")
@click.pass_obj
def show(options: Options, integration: str, types: tuple[str, ...], errors: bool) -> None:
    """Show when syncs of an integration began and ended, and the open problems of each data type."""
    connection = environment_connection(options, API)
    logs = asyncio.run(_read(connection, integration, types or DATA_TYPES, errors, Listener(options.verbosity)))
    site = str(connection.site_id)
    if options.format == "json":
        write_result(options, json_text(sync_log_to_json(site, integration, logs)))
    else:
        write_result(options, sync_log_to_text(site, integration, logs, result_style(options)))


async def _read(
    connection: Connection, integration: str, types: tuple[str, ...], errors: bool, listener: Listener
) -> Logs:
    async with open_reader(connection, (), token_cache=True, observer=listener) as reader:
        found = [read_status(reader, integration, data_type, with_errors=errors) for data_type in types]
        return dict(zip(types, await asyncio.gather(*found), strict=True))


@command("clear", examples=CLEAR_EXAMPLES)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clear(options: Options, yes: bool) -> None:
    """Wipe the sync logs of a whole site.

    SparkLayer has no narrower call: the logs and open problems of EVERY integration and data type of the site go,
    those of other integrations too.
    """
    connection = environment_connection(options, API)
    site = terminal(str(connection.site_id))
    if not yes:
        if not can_ask():
            raise UsageError("there is nobody to ask", next_step="Say --yes, if the logs of the whole site may go.")
        say(f"This wipes the sync logs of every integration and data type of the site {site} at {connection.api_url},")
        say("those of other integrations too. SparkLayer has no narrower call, and nothing brings them back.")
        if not click.confirm("Wipe them all?", err=True):
            say("Nothing was changed.")
            return
    asyncio.run(_clear(connection, Listener(options.verbosity)))
    write_result(options, f"Wiped the sync logs of every integration and data type of the site {site}.")


async def _clear(connection: Connection, listener: Listener) -> None:
    async with open_writer(connection, (), token_cache=True, observer=listener) as writer:
        await clear_every_log(writer)


sync_log.add_command(show)
sync_log.add_command(clear)
