"""The command table. Names and one-line help stand here, so that `--help` imports no command."""

from __future__ import annotations

import click

from reconciler import __version__
from reconciler.cli.command import Entry, LazyGroup

SET_UP = "Set up"
_COMMANDS = "reconciler.cli.commands"

TABLE = (Entry("completion", SET_UP, "Print the completion script of a shell.", f"{_COMMANDS}.completion:completion"),)

app = LazyGroup(
    "reconciler",
    table=TABLE,
    envvars=True,
    help="Sync configuration of Sitecore OrderCloud and SparkLayer, kept as code.",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[],
)
click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")(app)
