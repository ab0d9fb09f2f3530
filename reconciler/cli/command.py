"""Commands that know the shared options, and groups that import a command's module only when it is used."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options, shared_options
from reconciler.cli.variables import prefix_of, variable_of
from reconciler.errors import ManifestErrors, ReconcilerError
from reconciler.report.given import Given
from reconciler.report.renderers import FORMATS

_SENTENCE = 200
_KEPT_AS_TYPED = frozenset({"reason", "owner"})
SHARED = frozenset({parameter.name for parameter in shared_options(FORMATS)} | {"version"})


class _HelpFormatter(click.HelpFormatter):
    """Wraps between words alone: an option that is broken at its hyphen is one that nobody finds."""

    _WHOLE, _HYPHEN = "\N{NON-BREAKING HYPHEN}", re.compile(r"(?<=\w)-(?=\w)")

    def write(self, string: str) -> None:
        super().write(string.replace(self._WHOLE, "-"))

    def write_text(self, text: str) -> None:
        super().write_text(self._HYPHEN.sub(self._WHOLE, text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(term, self._HYPHEN.sub(self._WHOLE, text)) for term, text in rows], col_max, col_spacing)


class _SharedOptions(click.Command):
    """Help in parts: options of the command, those that it shares, examples, environment variables."""

    examples: str = ""

    def get_help(self, ctx: click.Context) -> str:
        formatter = _HelpFormatter(width=ctx.terminal_width, max_width=ctx.max_content_width)
        self.format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, each option with its environment variable."""
        parameters = super().get_params(ctx)
        if ctx.command is self:
            named, prefix = list(self._with_variables(ctx)), prefix_of(ctx)
            for parameter in self.params:
                # Anew each time: where a command stands is its context's to say.
                parameter.envvar = variable_of(parameter, prefix) if parameter in named else None
        return parameters

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error names the next command with what was given to this one."""
        _silence_asyncio()
        try:
            _keep_no_typed_secrets(ctx)
            return super().invoke(ctx)
        except ReconcilerError as error:
            complete(error, (ctx.obj or Options()).given)
            raise

    def _with_variables(self, ctx: click.Context) -> Iterator[click.Option]:
        """Yield the options that have variables: of a command its own; the shared ones once, before every command.

        Below, they would beat what somebody wrote before the command's name.
        """
        for parameter in self.params:
            if isinstance(parameter, click.Option) and (ctx.parent is None or parameter.name not in SHARED):
                yield parameter

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = None if isinstance(parameter, click.Argument) else parameter.get_help_record(ctx)
            if record is not None:
                (own if parameter in self.params and parameter.name not in SHARED else shared).append(record)
        for title, records in (("Options", own), ("Shared options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        with formatter.section("Environment variables"):
            formatter.write_text(self._variables(ctx))

    def _variables(self, ctx: click.Context) -> str:
        options = list(self._with_variables(ctx))
        prefix = prefix_of(ctx)
        named = {option.opts[-1]: variable_of(option, prefix) for option in options}
        example = next(((flag, name) for flag, name in named.items() if name is not None), None)
        if example is None:
            return "RECONCILER_<OPTION>, such as RECONCILER_FORMAT, for the shared options."
        without = [flag for flag, name in named.items() if name is None and flag not in ("--help", "--version")]
        none = f"; none for {', '.join(without)}" if without else ""
        shared = "" if ctx.parent is None else " Shared options go without the command's name."
        return f"{prefix}<OPTION>: {example[1]} stands for {example[0]}{none}.{shared}"

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {line}\n" for line in self.examples.strip().splitlines()))
        super().format_epilog(ctx, formatter)


def _keep_no_typed_secrets(ctx: click.Context) -> None:
    """Refuse the value of a secret in what is kept and shown as it was typed, and mask what looks like one.

    All options are read by now.
    """
    for parameter in ctx.command.params:
        text = ctx.params.get(parameter.name or "") if parameter.name in _KEPT_AS_TYPED else None
        if text:
            from reconciler.app.typed_text import require_no_secret
            from reconciler.kind.sensitive import masked
            from reconciler.manifest.search import find_manifests

            require_no_secret(parameter.opts[0], text, (ctx.obj or Options()).manifests or find_manifests())
            ctx.params[parameter.name or ""] = masked(text)


def _silence_asyncio() -> None:
    """Let nothing tell of tasks that a Ctrl-C cuts off, with a traceback, or of one that it came before."""
    if "asyncio" in sys.modules:
        sys.modules["logging"].getLogger("asyncio").disabled = True
        sys.modules["warnings"].filterwarnings("ignore", "coroutine .* was never awaited")


class Command(_SharedOptions):
    """A command. Its callback returns a `Status`, or None for `Status.DONE`.

    Args:
        formats: what `--format` may be here; the first is the default.
        examples: command lines for the help, one per line; `#` starts a remark.
        manifests: whether it works on manifests.
        environments: whether it works on `one` environment, on `several`, or on `none`.
        result: whether it writes a result.
    """

    def __init__(
        self,
        *arguments: Any,
        formats: Sequence[str] = ("text",),
        examples: str = "",
        manifests: bool = True,
        environments: str = "one",
        result: bool = True,
        **settings: Any,
    ) -> None:
        shared = shared_options(formats, manifests=manifests, environments=environments, result=result)
        settings["params"] = [*(settings.get("params") or ()), *shared]
        super().__init__(*arguments, **settings)
        self.formats = tuple(formats)
        self.has_result = result
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        # A format that stood before the command's name could not be checked there.
        options = ctx.obj or Options()
        asked = options.format
        if asked not in self.formats and options.format_is_default:
            ctx.obj = replace(options, format=self.formats[0])
            if self.has_result and not ctx.resilient_parsing:
                tell_other_format(ctx.command_path, asked, self.formats)
        elif asked not in self.formats and not ctx.resilient_parsing:
            raise click.UsageError(f"`{ctx.info_name}` has no format {asked!r}; it has {', '.join(self.formats)}.", ctx)
        return rest


def tell_other_format(command_path: str, wished: str, formats: Sequence[str]) -> None:
    """Say on stderr that the format which is wished for all commands is not among those of this one."""
    from reconciler.cli.terminal.output import say

    has = f"it has {', '.join(formats)}" if len(formats) > 1 else "it has text alone"
    say(f"RECONCILER_FORMAT: `{command_path}` has no format {wished}, {has}. The result is text.")


class Group(_SharedOptions, click.Group):
    """A group of commands, itself taking the shared options."""

    def __init__(
        self,
        *arguments: Any,
        examples: str = "",
        formats: Sequence[str] = FORMATS,
        manifests: bool = True,
        environments: str = "several",
        result: bool = True,
        **settings: Any,
    ) -> None:
        shared = shared_options(formats, manifests=manifests, environments=environments, result=result)
        settings["params"] = [*(settings.get("params") or ()), *shared]
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_SENTENCE)) for name, command in commands if command])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _SharedOptions.format_options(self, ctx, formatter)


class Entry(Struct, frozen=True):
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


def command(
    name: str,
    *,
    formats: Sequence[str] = ("text",),
    examples: str,
    manifests: bool = True,
    environments: str = "one",
    result: bool = True,
) -> Callable[..., Command]:
    """Return the decorator that makes a function a command with the shared options; see `Command`."""
    return click.command(
        name,
        cls=Command,
        formats=formats,
        examples=examples,
        manifests=manifests,
        environments=environments,
        result=result,
    )


def complete(error: ReconcilerError, given: Given) -> None:
    """Let the commands that an error names repeat what was given, and mask the secrets of URLs that it quotes."""
    if "//" in error.message or "@" in error.message:
        from reconciler.kind.sensitive import with_masked_urls

        error.message = with_masked_urls(error.message)
    if error.next_step is not None:
        error.next_step = given.completed(error.next_step)
    if isinstance(error, ManifestErrors):
        from reconciler.manifest.validate import shown

        problems = map(shown, error.problems)
        error.problems = tuple(
            replace(problem, hint=problem.hint and given.completed(problem.hint)) for problem in problems
        )
