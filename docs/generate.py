"""Writes the pages of docs/ that follow from the code: `python docs/generate.py`, or `--check` to see if they do."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.cli.command_table import TABLE, app
from reconciler.cli.variables import WITHOUT
from reconciler.kind.semantics import FieldSemantics, fields_of
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.model import Metadata
from reconciler.manifest.policies import PolicySpec
from reconciler.registry import kinds, request_kinds
from reconciler.report.codes.causes import CAUSES
from reconciler.report.codes.errors import ERRORS
from reconciler.report.codes.guardrails import GUARDRAILS
from reconciler.report.codes.lookup import exit_statuses
from reconciler.report.codes.problems import PROBLEMS

COMMANDS_HEAD = f"""\
What `--help` says, for every command. The shared options may stand before or after the command's name; what stands
later wins.

Every option has an environment variable, which what is written beats: `RECONCILER_`, the command, the option, such as
`RECONCILER_SYNC_RUN_LOCK_WAIT=60` or `RECONCILER_EMULATE_PORT=8801`. A flag takes `1` or `0`; an option that may be
repeated takes its values with spaces between them. Those of the shared options go without the command's name:
`RECONCILER_CHDIR`, `RECONCILER_MANIFESTS`, `RECONCILER_ENVIRONMENT`, `RECONCILER_FORMAT` (a command that lacks the
format writes text, and says so on stderr), `RECONCILER_OUTPUT`, `RECONCILER_NO_COLOR`, `RECONCILER_VERBOSE`. What
agrees to something for one run has none:
{", ".join(f"`{flag}`" for flag in sorted(WITHOUT - {"--help", "--version"}))}.

Without `-m`, the manifests are those in `manifests`, here or in the nearest folder above that has it. The search ends
at the root of the repository, at a mount point and at the home folder, and passes over what belongs to another user.
Relative paths of ledger and secrets count from the folder that holds `manifests`.

Colour is used on a terminal; `FORCE_COLOR` or `CLICOLOR_FORCE` ask for it anywhere, `NO_COLOR` for none.
"""
ERRORS_HEAD = """\
# Errors

Every error names a code, a place where it is about input, and the next step. `--format json` writes it to stderr in
the shape of [error.schema.json](../schemas/error.schema.json). Codes are stable; messages are not.

`reconciler explain CODE` shows what stands here, without network and without this page.
"""
PROBLEMS_HEAD = """\
`validate` shows all of them in one run, each with file, line and column. `literal-secret` can be a warning;
`no-target-hosts`, `unreadable-variable`, `windows-join` and `windows-not-healed` always are.
"""
GUARDRAILS_HEAD = """\
# Guardrails

A guardrail judges the changes of a plan, not the state that is there: an imported pause without an end is no breach.
A plan with a breach is shown whole and exits with 3; `apply` carries out none of it.

One apply may override one or more rules, with a reason that the ledger keeps. `plan --override` shows what would
pass, and approves nothing:

```sh
reconciler apply plan.json --override maxDeletes --reason "The old hook is gone since May"
```

Reasons are shown, so one that holds the value of a secret is refused, in every command: of each `${secret:}` of the
manifests that is set where the command runs, and of each that stands in them in so many words, where it has six
characters or more.

A plan that was saved while a guardrail stood against it approves nothing: `apply` refuses the file by name, unless
`--override` lifts what stood against it. Of several plans each has its own limits on numbers, as if they were applied
one after the other; one that is refused is left out, and the others are applied.

So may a line in the manifests, reviewed like everything else. It stands on top of the plan, is for the objects that it
names, and is void after `until`; `maxDeletes` and `maxChanges` do not count what it names:

```yaml
guardrails:
  overrides:
    - {rule: maxDeletes, objects: [DeliveryConfig/old-hook], reason: Gone since May, until: 2026-12-24T00:00:00Z}
```

The digest of a saved plan finds mistakes; it is no signature. Where `RECONCILER_PLAN_KEY` is set, `plan --save` signs
the file with it (HMAC-SHA256), and `apply` takes only files that are signed so. Set it for jobs behind a protected
environment, never for those of a pull request: `gitops approved` signs what a pull request's run has planned, once it
has checked where the file comes from.

Limits stand in the Environment, under `guardrails`:

```yaml
guardrails: {maxDeletes: 0, maxChanges: 50, requirePauseEnd: true, maxPause: 7d, stopAll: forbid}
```
"""
DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py; change the code, then run `make docs`. -->\n"


def pages() -> dict[str, str]:
    """Return file name to content of every generated page."""
    return {
        "commands.md": "\n".join(_commands()),
        "errors.md": "\n".join(_errors()),
        "guardrails.md": "\n".join(_guardrails()),
        "manifest-reference.md": "\n".join(_manifests()),
    }


def _commands() -> Iterator[str]:
    yield NOTICE
    yield "# Commands\n"
    yield COMMANDS_HEAD
    root = click.Context(app, info_name="reconciler")
    yield from _help("reconciler", app, root)
    for entry in TABLE:
        command = entry.load()
        context = click.Context(command, info_name=entry.name, parent=root)
        yield from _help(f"reconciler {entry.name}", command, context)
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                yield from _help(
                    f"reconciler {entry.name} {name}", child, click.Context(child, context, info_name=name)
                )


def _help(title: str, command: click.Command, context: click.Context) -> Iterator[str]:
    context.max_content_width = context.terminal_width = 80
    yield f"## {title}\n"
    yield f"```text\n{command.get_help(context).rstrip()}\n```\n"


def _errors() -> Iterator[str]:
    yield NOTICE
    yield ERRORS_HEAD
    yield "## Of a run\n"
    yield "| code | exit | what it means | what to do |\n|---|---|---|---|"
    statuses = exit_statuses()
    for code, (meaning, step) in ERRORS.items():
        yield f"| `{code}` | {statuses[code]} | {_cell(meaning)} | {_cell(step)} |"
    yield "\n## Causes of drift\n"
    yield "| cause | what it means | what to do |\n|---|---|---|"
    for cause, (meaning, step) in CAUSES.items():
        yield f"| `{cause.value}` | {_cell(meaning)} | {_cell(step)} |"
    yield "\n## Of manifests\n"
    yield PROBLEMS_HEAD
    yield "| code | what it means |\n|---|---|"
    for code, meaning in PROBLEMS.items():
        yield f"| `{code}` | {_cell(meaning)} |"
    yield ""


def _guardrails() -> Iterator[str]:
    yield NOTICE
    yield GUARDRAILS_HEAD
    for rule, paragraphs in GUARDRAILS.items():
        yield f"## {rule}\n"
        for paragraph in paragraphs:
            yield "\n".join(textwrap.wrap(paragraph, 140, break_long_words=False, break_on_hyphens=False)) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _manifests() -> Iterator[str]:
    yield NOTICE
    yield "# Manifest reference\n"
    yield "A manifest is a YAML document with `apiVersion: reconciler/v1`, `kind`, `metadata`, `spec`, and, to say that"
    yield "the live object must not exist, `state: absent`. A field left out means its default, and is compared.\n"
    yield "*write-only*: the API never returns it, so it is compared with the ledger's fingerprint.  "
    yield "*host*: checked against the environment's `targetHosts`.\n"
    yield "## metadata\n"
    yield from _table(Metadata, "")
    yield "\n## Environment\n"
    yield "One environment: connections, variables, limits and patches. It has no live counterpart.\n"
    yield from _table(EnvironmentSpec, "spec.")
    yield "\n## Policy\n"
    yield "A rule of a team over its manifests; [guides/policies.md](guides/policies.md) shows how to write one.\n"
    yield from _table(PolicySpec, "spec.")
    for kind in kinds().values():
        yield f"\n## {kind.name}\n"
        role = f" Reading and writing it takes the role `{kind.role}`." if kind.role else ""
        yield f"{kind.summary}{role}\n"
        yield from _table(kind.spec, "spec.")
    for request in request_kinds().values():
        yield f"\n## {request.name}\n"
        yield f"{request.summary}\n"
        yield from _table(request.spec, "spec.")
    yield ""


def _table(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(model, prefix)


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    nodes = fields_of(model)
    for name, info in model.model_fields.items():
        alias = info.alias or name
        node = nodes[alias]
        default = "required" if info.is_required() else _literal(info)
        yield f"| `{prefix}{alias}` | {_type(info.annotation)} | {default} | {_meaning(info, node.semantics)} |"
        nested = node.model or _model_of(info.annotation)
        if nested is not None:
            yield from _rows(nested, f"{prefix}{alias}{'[]' if node.is_list else ''}.")


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model among the choices of a field, such as that of a pause."""
    models = (each for each in get_args(annotation) if isinstance(each, type) and issubclass(each, BaseModel))
    return next(models, None)


def _literal(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ({}, []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(info: FieldInfo, semantics: FieldSemantics) -> str:
    text = info.description or ""
    marks = [
        "*write-only*" if semantics.write_only and "write-only" not in text.lower() else "",
        "*host*" if semantics.host else "",
    ]
    return " ".join([text, *filter(None, marks)]).replace("|", "\\|")


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(each) for each in arguments if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "map"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "map"
    names = {str: "text", bool: "true or false", int: "whole number", float: "number"}
    return names.get(annotation, "time")


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are old. Return the exit status."""
    old = [name for name, text in pages().items() if not (DOCS / name).is_file() or (DOCS / name).read_text() != text]
    for name in old:
        if arguments == ["--check"]:
            print(f"docs/{name} is not current; `make docs` writes it")
        else:
            (DOCS / name).write_text(pages()[name])
    return int(arguments == ["--check"] and bool(old))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
