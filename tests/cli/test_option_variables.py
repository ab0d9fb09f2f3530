"""Every option has an environment variable, but for those by which one run agrees to something."""

from __future__ import annotations

import re

import click
import pytest

from reconciler.cli.command_table import app
from reconciler.cli.run import run
from support.cli_probe import probes
from support.commands import leaves

MUST_BE_WRITTEN = {
    "--yes", "--override", "--reason", "--push-secrets", "--ephemeral-ledger", "--adopt", "--heal", "--force",
    "--resume", "--resume-expired",
}  # fmt: skip


def context_of(path: str, command: click.Command) -> click.Context:
    context = click.Context(app, info_name="reconciler")
    for name in path.split()[:-1]:
        context = click.Context(click.Group(name), info_name=name, parent=context)
    return click.Context(command, info_name=path.split()[-1], parent=context)


@pytest.mark.parametrize(("path", "command"), list(leaves()), ids=[path for path, _ in leaves()])
def test_the_variable_is_named_after_command_and_option(path: str, command: click.Command) -> None:
    context = context_of(path, command)
    prefix = "RECONCILER_" + re.sub("[ -]", "_", path).upper()
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or "--help" in option.opts:
            continue
        flag = next(flag for flag in option.opts if flag.startswith("--"))
        if flag in MUST_BE_WRITTEN or option.name in ("manifests", "environments", "format", "output", "chdir"):
            assert option.envvar is None
        elif option.name not in ("color", "verbosity"):
            assert option.envvar == f"{prefix}_{flag[2:].replace('-', '_').upper()}"


def test_shared_options_have_one_for_all_commands() -> None:
    context = click.Context(app, info_name="reconciler")
    variables = {parameter.name: parameter.envvar for parameter in app.get_params(context) if parameter.envvar}
    assert variables == {
        "chdir": "RECONCILER_CHDIR",
        "manifests": "RECONCILER_MANIFESTS",
        "environments": "RECONCILER_ENVIRONMENT",
        "format": "RECONCILER_FORMAT",
        "output": "RECONCILER_OUTPUT",
        "color": "RECONCILER_NO_COLOR",
        "verbosity": "RECONCILER_VERBOSE",
    }


def test_a_variable_is_taken_and_what_is_written_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def value_of(*words: str) -> object:
        context = probes.make_context("reconciler", ["show", *words])
        name, command, rest = probes.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        return command.make_context(name, rest, parent=context).params["extra"]

    seen.append(value_of())
    monkeypatch.setenv("RECONCILER_SHOW_EXTRA", "from the variable")
    seen += [value_of(), value_of("--extra", "written")]
    assert seen == [None, "from the variable", "written"]


@pytest.mark.parametrize("name", ["RECONCILER_APPLY_YES", "RECONCILER_YES"])
def test_no_variable_agrees_to_an_apply(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    command = dict(leaves())["apply"]
    assert command.make_context("apply", [], parent=click.Context(app, info_name="reconciler")).params["yes"] is False


def test_a_wrong_value_names_the_variable_that_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECONCILER_APPLY_LOCK_WAIT", "soon")
    assert run(["apply"]) == 64
    assert "RECONCILER_APPLY_LOCK_WAIT" in capsys.readouterr().err
    assert run(["apply", "--lock-wait", "soon"]) == 64
    assert "RECONCILER_APPLY_LOCK_WAIT" not in capsys.readouterr().err
