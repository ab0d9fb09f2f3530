"""The options that commands share, before or after the command's name. What stands later wins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.completion import complete_environments
from reconciler.report.given import NOTHING, Given
from reconciler.report.renderers import FORMATS

if TYPE_CHECKING:
    from reconciler.app.project import Project

_REPEATED = {"manifests", "environments", "chdir"}


class Options(Struct, frozen=True):
    """What the shared options say.

    Args:
        manifests: the manifest folder, as the user named it; None: it is looked for.
        environments: the names asked for; empty: the only one there is; `all`: every one.
        format: how the result is written.
        output: the file for the result; None: stdout.
        color: whether colour is allowed; it is used only on a terminal, or where FORCE_COLOR is set.
        verbosity: how often -v was given.
        chdir: the folder that the command works in, as the user named it; it is there already.
        given: what of it a command that is shown has to repeat.
        format_is_default: whether the format is a wish for all commands (RECONCILER_FORMAT), also those without it.
    """

    manifests: Path | None = None
    environments: tuple[str, ...] = ()
    format: str = "text"
    output: Path | None = None
    color: bool = True
    verbosity: int = 0
    chdir: Path | None = None
    given: Given = NOTHING
    format_is_default: bool = False

    @property
    def project(self) -> Project:
        """The manifests and environments that are meant; says where it has found the manifests, unless that is here.

        Raises:
            LoadError: no folder was named, and none is here or above.
        """
        from reconciler.app.project import Project  # it brings the models, of which `--help` needs none
        from reconciler.cli.terminal.output import say
        from reconciler.manifest.search import NAME, find_manifests

        folder = self.manifests or find_manifests()
        if self.manifests is None and folder != Path(NAME):
            say(f"Manifests: {folder}")
        return Project(folder, self.environments)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Take a value into the context's `Options` when it was given; a default never overwrites what stood before."""
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    if source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        written = source is ParameterSource.COMMANDLINE
        options = replace(context.obj or Options(), **{name: value})
        if name == "format":
            options = replace(options, format_is_default=not written)
        if name in _REPEATED and written:
            repeated = value if isinstance(value, tuple) else str(value)
            options = replace(options, given=replace(options.given, **{name: repeated}))
        context.obj = options
    return value


def _enter(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Work in the folder that `-C` names until the command has ended."""
    if value is not None:
        before = Path.cwd()
        os.chdir(value)
        context.find_root().call_on_close(lambda: os.chdir(before))
        earlier = (context.obj or Options()).chdir
        value = value if earlier is None else earlier / value
        _keep(context, parameter, value)
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


def shared_options(
    formats: Sequence[str], *, manifests: bool = True, environments: str = "one", result: bool = True
) -> list[click.Parameter]:
    """Return the shared options that mean something to a command.

    Args:
        formats: the formats that the command can write.
        manifests: whether it works on manifests.
        environments: whether it works on `one` environment, on `several`, or on `none`.
        result: whether it writes a result.
    """
    options = [_chdir()]
    if manifests:
        options.append(_manifests())
    if manifests and environments != "none":
        options.append(_environments(environments))
    if result and len(formats) > 1:
        options.append(_format(formats))
    if result:
        options.append(_output())
    return [*options, *_everywhere()]


def _chdir() -> click.Option:
    return click.Option(
        ["-C", "--chdir"],
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="DIR",
        help="Work in this folder, as if it were the working directory.",
        callback=_enter,
        expose_value=False,
        is_eager=True,
    )


def _manifests() -> click.Option:
    return click.Option(
        ["-m", "--manifests"],
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Manifest folder.  [default: manifests, here or in a folder above]",
        callback=_keep,
        expose_value=False,
    )


def _environments(number: str) -> click.Option:
    several = " Repeat it, or say `all`, for several." if number == "several" else ""
    return click.Option(
        ["-e", "--environment", "environments"],
        multiple=True,
        metavar="NAME",
        help=f"Environment; may be left out where there is one.{several}",
        callback=_keep,
        expose_value=False,
        shell_complete=complete_environments,
    )


def _format(formats: Sequence[str]) -> click.Option:
    return click.Option(
        ["--format"],
        type=click.Choice(formats),
        metavar="FORMAT" if formats is FORMATS else None,
        help="How the result is written.  [default: text]",
        callback=_keep,
        expose_value=False,
    )


def _output() -> click.Option:
    return click.Option(
        ["--output"],
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Write the result to this file instead of stdout.",
        callback=_destination,
        expose_value=False,
    )


def _everywhere() -> list[click.Option]:
    return [
        click.Option(
            ["--no-color", "color"],
            is_flag=True,
            help="No colour. (NO_COLOR does the same. Colour is used on a terminal, or where FORCE_COLOR is set.)",
            callback=_no_color,
            expose_value=False,
        ),
        click.Option(
            ["-v", "--verbose", "verbosity"],
            count=True,
            help="Say more: notes in full, requests on stderr; -vv also shows where an internal error happened.",
            callback=_keep,
            expose_value=False,
        ),
    ]
