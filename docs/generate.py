"""Writes the pages of docs/ that follow from the code: `python docs/generate.py`, or `--check` to see if they do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.cli.table import TABLE, app
from reconciler.kind.semantics import FieldSemantics, fields_of
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.model import Metadata
from reconciler.registry import kinds

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py; change the code, then run `make docs`. -->\n"


def pages() -> dict[str, str]:
    """Return file name to content of every generated page."""
    return {"commands.md": "\n".join(_commands()), "manifest-reference.md": "\n".join(_manifests())}


def _commands() -> Iterator[str]:
    yield NOTICE
    yield "# Commands\n"
    yield "What `--help` says, for every command. The shared options may stand before or after the command's name; what"
    yield "stands later wins. `RECONCILER_MANIFESTS` and `RECONCILER_ENVIRONMENT` set defaults for `-m` and `-e`.\n"
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
    for kind in kinds().values():
        yield f"\n## {kind.name}\n"
        role = f" Reading and writing it takes the role `{kind.role}`." if kind.role else ""
        yield f"{kind.summary}{role}\n"
        yield from _table(kind.spec, "spec.")
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
