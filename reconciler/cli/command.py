"""Commands that know the shared options, and groups that import a command's module only when it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options, shared_options
from reconciler.report.table import FORMATS

SHARED = frozenset({parameter.name for parameter in shared_options(FORMATS)} | {"version"})


class _SharedOptions(click.Command):
    """Help in parts: options of the command, options of every command, examples."""

    examples: str = ""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = None if isinstance(parameter, click.Argument) else parameter.get_help_record(ctx)
            if record is not None:
                (own if parameter in self.params and parameter.name not in SHARED else shared).append(record)
        for title, records in (("Options", own), ("Options of every command", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {line}\n" for line in self.examples.strip().splitlines()))
        super().format_epilog(ctx, formatter)


class Command(_SharedOptions):
    """A command. Its callback returns a `Status`, or None for `Status.DONE`.

    Args:
        formats: what `--format` may be here; the first is the default.
        examples: command lines for the help, one per line; `#` starts a remark.
    """

    def __init__(
        self, *arguments: Any, formats: Sequence[str] = ("text",), examples: str = "", **settings: Any
    ) -> None:
        settings["params"] = [*(settings.get("params") or ()), *shared_options(formats)]
        super().__init__(*arguments, **settings)
        self.formats = tuple(formats)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        # A format that stood before the command's name could not be checked there.
        asked = (ctx.obj or Options()).format
        if asked not in self.formats and not ctx.resilient_parsing:
            raise click.UsageError(f"`{ctx.info_name}` has no format {asked!r}; it has {', '.join(self.formats)}.", ctx)
        return rest


class Group(_SharedOptions, click.Group):
    """A group of commands, itself taking the shared options."""

    def __init__(self, *arguments: Any, examples: str = "", envvars: bool = False, **settings: Any) -> None:
        settings["params"] = [*(settings.get("params") or ()), *shared_options(FORMATS, envvars=envvars)]
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _SharedOptions.format_options(self, ctx, formatter)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the command table: `target` is `module:attribute`, imported when the command is used."""

    name: str
    section: str
    summary: str
    target: str

    def load(self) -> click.Command:
        """Import the command's module and return the command."""
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class LazyCommand(click.Command):
    """Stands for a command in lists and completions; becomes the real one when it is parsed."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.summary, add_help_option=False)
        self.entry = entry

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        return self.entry.load().make_context(info_name, args, parent, **extra)


class LazyGroup(Group):
    """The top-level group: lists its commands by section without importing any."""

    def __init__(self, *arguments: Any, table: Sequence[Entry], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.table = tuple(table)
        self.commands = {entry.name: LazyCommand(entry) for entry in table}

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [entry.name for entry in self.table]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(entry.section for entry in self.table):
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.summary) for entry in self.table if entry.section == section])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit status"):
            formatter.write_dl([(str(int(status)), status.meaning) for status in sorted(Status)])


def command(name: str, *, formats: Sequence[str] = ("text",), examples: str) -> Callable[..., Command]:
    """Return the decorator that makes a function a command with the shared options."""
    return click.command(name, cls=Command, formats=formats, examples=examples)
