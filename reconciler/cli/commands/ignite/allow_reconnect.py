"""`reconciler ignite allow-reconnect`: let SparkLayer connect once with other credentials."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ignite allow-reconnect -e production --for 30m
"""


@command("allow-reconnect", formats=("text",), examples=EXAMPLES)
@click.option("--for", "duration", metavar="DURATION", default="1h", show_default=True, help="How long, e.g. 30m.")
@click.pass_obj
def allow_reconnect(options: Options, duration: str) -> None:
    """Let SparkLayer connect once more to the site, with other credentials than those that it handed over before.

    Without it, whoever has the Ignite token could put a key of theirs in the place of the one that is used. The leave
    is for one connection, and ends by itself.
    """
    from reconciler.app.ignite.reconnect import allow
    from reconciler.report.escape import terminal

    allowed = allow(options.project, duration)
    write_result(
        options,
        f"SparkLayer may connect the site {terminal(allowed.site)} once with other credentials, until "
        f"{allowed.until:%Y-%m-%d %H:%M %Z}.",
    )
