"""The commands that output names can be run as they stand: with the folder, the manifests and the environment."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import reconciler
from reconciler.cli.command import complete
from reconciler.cli.command_table import app
from reconciler.cli.options import Options
from reconciler.errors import ManifestErrors, Place, Problem, UsageError
from reconciler.report.given import ENVIRONMENTS, Given
from reconciler.report.renderers import ERROR
from reconciler.report.style import Style
from support.commands import leaves

GIVEN = Given("infra", "my config", ("sandbox",))
PACKAGE = Path(reconciler.__file__).parent


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_what_is_added_is_what_the_command_takes(name: str, command: click.Command) -> None:
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    assert (name in ENVIRONMENTS) == ("manifests" in options)
    if name in ENVIRONMENTS:
        environment = options.get("environments")
        number = "none" if environment is None else "several" if "several" in (environment.help or "") else "one"
        assert ENVIRONMENTS[name] == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `reconciler plan` again.", "Run `reconciler -C infra plan -m 'my config' -e sandbox` again."),
        ("`reconciler plan -e test`", "`reconciler -C infra plan -e test -m 'my config'`"),
        ("`reconciler validate`", "`reconciler -C infra validate -m 'my config'`"),
        ("→ reconciler sync run shop -e a", "→ reconciler -C infra sync run shop -e a -m 'my config'"),
        ("`reconciler explain CODE`", "`reconciler explain CODE`"),
        ("`reconciler plan --help` shows", "`reconciler plan --help` shows"),
        ("reconciler has a folder", "reconciler has a folder"),
        ("`plan --save plan.json`", "`plan --save plan.json`"),
    ],
)
def test_a_command_is_completed_once(text: str, expected: str) -> None:
    assert GIVEN.completed(text) == expected
    assert GIVEN.completed(expected) == expected
    assert Given().completed(text) == text


def test_several_environments_go_where_several_make_sense() -> None:
    given = Given(environments=("all",))
    assert given.completed("`reconciler drift`, `reconciler apply`") == "`reconciler drift -e all`, `reconciler apply`"


def test_a_page_and_a_document_are_completed_and_stay_well_formed() -> None:
    given = Given(manifests="a<b")
    assert given.completed_html("<code>reconciler plan -e &lt;x&gt;</code>") == (
        "<code>reconciler plan -e &lt;x&gt; -m 'a&lt;b'</code>"
    )
    document = {"items": [{"next_steps": ["reconciler plan"], "name": "reconciler plan"}], "hint": None}
    assert given.completed_document(document) == {
        "items": [{"next_steps": ["reconciler plan -m 'a<b'"], "name": "reconciler plan"}],
        "hint": None,
    }


def test_errors_and_the_hints_in_them_are_completed() -> None:
    error = ManifestErrors([Problem("x", "y", Place("a.yaml"), hint="See `reconciler import`.")])
    complete(error, Given(manifests="config"))
    shown = " ".join(ERROR.render("text", error, style=Style()).split())
    assert "`reconciler import -m config`" in shown
    assert "`reconciler validate -m config`" in shown
    bare = UsageError("no next step")
    complete(bare, GIVEN)
    assert bare.next_step is None


def texts(word: str) -> Iterator[tuple[str, str]]:
    """Yield file and text of every string in the files of the code that have a word; what is filled in is an `x`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if word not in source:
            continue
        tree = ast.parse(source)
        documented = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if _has_docstring(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else " x " for part in node.values]
                yield str(path.relative_to(PACKAGE)), "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in documented:
                yield str(path.relative_to(PACKAGE)), node.value


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))


def test_every_command_in_backticks_in_the_code_parses() -> None:
    found = [
        (file, call) for file, text in texts("`reconciler ") for call in re.findall(r"`reconciler ([^`\n]+)`", text)
    ]
    assert len(found) > 30
    for file, call in found:
        words = [word for word in shlex.split(call) if word != "…"]
        if words[0] in ("CMD", "x"):
            continue
        if "--help" in words:
            continue
        context = app.make_context("reconciler", words, obj=Options())
        while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):
            name, inner, rest = context.command.resolve_command(context, rest)
            assert inner is not None, (file, call)
            try:
                context = inner.make_context(name, rest, parent=context)
            except click.MissingParameter:  # a text may name a command without its file
                break
            except click.BadParameter as error:  # what is filled in may be one of a few words
                if "'x' is not" not in error.message:
                    raise
                break


def test_no_text_leads_to_a_page_that_a_wheel_lacks() -> None:
    found = [(file, text) for file, text in texts("docs/") if re.search(r"docs/[a-z-]+\.md", text)]
    # A text of its own below a name documents that name.
    assert [file for file, text in found if "docs/sync.md says more." not in text] == []
