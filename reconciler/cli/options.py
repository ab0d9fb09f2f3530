"""The options that every command takes, before or after its name. What stands later wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from reconciler.cli.completion import complete_environments
from reconciler.report.table import FORMATS

if TYPE_CHECKING:
    from reconciler.app.project import Project


@dataclass(frozen=True, slots=True)
class Options:
    """What the shared options say.

    Args:
        manifests: the manifest folder, as the user named it.
        environments: the names asked for; empty: the only one there is; `all`: every one.
        format: how the result is written.
        output: the file for the result; None: stdout.
        color: whether colour is allowed; it is used only on a terminal.
        verbosity: how often -v was given.
    """

    manifests: Path = Path("manifests")
    environments: tuple[str, ...] = ()
    format: str = "text"
    output: Path | None = None
    color: bool = True
    verbosity: int = 0

    @property
    def project(self) -> Project:
        """The manifests and environments that are meant."""
        from reconciler.app.project import Project  # it brings the models, of which `--help` needs none

        return Project(self.manifests, self.environments)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Take a value into the context's `Options` when it was given; a default never overwrites what stood before."""
    name = parameter.name or ""
    if context.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        context.obj = replace(context.obj or Options(), **{name: value})
    return value


def _destination(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Refuse a file that cannot be written before any work is done for it; `-` is stdout."""
    if value is not None and not value.parent.is_dir():
        raise click.BadParameter(f"the folder {value.parent} does not exist.", context, parameter)
    destination = None if value == Path("-") else value
    _keep(context, parameter, destination)
    return destination


def _no_color(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    return bool(_keep(context, parameter, not value))


def shared_options(formats: Sequence[str], *, envvars: bool = False) -> list[click.Parameter]:
    """Return the shared options.

    Args:
        formats: the formats that the command can write.
        envvars: whether defaults come from RECONCILER_MANIFESTS and RECONCILER_ENVIRONMENT: only where they cannot
            override what the user wrote before the command's name.
    """
    return [
        click.Option(
            ["-m", "--manifests"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Manifest folder.  [default: manifests]",
            envvar="RECONCILER_MANIFESTS" if envvars else None,
            callback=_keep,
            expose_value=False,
        ),
        click.Option(
            ["-e", "--environment", "environments"],
            multiple=True,
            metavar="NAME",
            help="Environment; may be left out where there is one. Repeat it, or say `all`, where several make sense.",
            envvar="RECONCILER_ENVIRONMENT" if envvars else None,
            callback=_keep,
            expose_value=False,
            shell_complete=complete_environments,
        ),
        click.Option(
            ["--format"],
            type=click.Choice(formats),
            metavar="FORMAT" if formats is FORMATS else None,
            help="How the result is written.  [default: text]",
            callback=_keep,
            expose_value=False,
        ),
        click.Option(
            ["--output"],
            type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            metavar="FILE",
            help="Write the result to this file instead of stdout.",
            callback=_destination,
            expose_value=False,
        ),
        click.Option(
            ["--no-color", "color"],
            is_flag=True,
            help="No colour. (NO_COLOR does the same; colour is used only on a terminal.)",
            callback=_no_color,
            expose_value=False,
        ),
        click.Option(
            ["-v", "--verbose", "verbosity"],
            count=True,
            help="Say more on stderr; -vv also shows where an internal error happened.",
            callback=_keep,
            expose_value=False,
        ),
    ]
