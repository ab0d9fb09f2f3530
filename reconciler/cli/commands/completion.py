"""`reconciler completion`: print the completion script of a shell."""

from __future__ import annotations

from typing import Literal

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
eval "$(reconciler completion bash)"     # in ~/.bashrc
eval "$(reconciler completion zsh)"      # in ~/.zshrc, after compinit
reconciler completion fish | source      # in ~/.config/fish/config.fish
"""


@command("completion", examples=EXAMPLES, manifests=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell.")
@click.pass_obj
def completion(options: Options, shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print the completion script of a shell.

    It completes commands, options, environment names and KIND/NAME of the manifests.
    """
    from click.shell_completion import get_completion_class

    from reconciler.cli.command_table import app

    script = get_completion_class(shell)(app, {}, "reconciler", "_RECONCILER_COMPLETE")
    write_result(options, script.source())
