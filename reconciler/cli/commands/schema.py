"""`reconciler schema`: write the JSON Schemas, or check that they are current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.app.files import write_file
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.terminal.output import say

EXAMPLES = """
reconciler schema                 # writes schemas/
reconciler schema --check         # 1 where a file there is old or missing
reconciler schema --directory docs/schemas
"""


@command("schema", examples=EXAMPLES, manifests=False, result=False)
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is old or missing.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("schemas"),
    metavar="DIR",
    help="Where the schemas are.  [default: schemas]",
)
def schema(check: bool, directory: Path) -> Status:
    """Write the JSON Schemas of manifests and of what the commands print.

    `manifest.schema.json` covers every kind: name it in the first line of a manifest, and an editor completes and
    checks it.
    """
    wanted = _schemas()
    if check:
        old = [name for name, content in wanted.items() if _content(directory / name) != content]
        for name in old:
            say(f"{directory / name} is not current; `reconciler schema` writes it")
        return Status.ERROR if old else Status.DONE
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        write_file(directory / name, content.decode())
    say(f"Wrote {len(wanted)} schemas to {directory}")
    return Status.DONE


def _schemas() -> Mapping[str, bytes]:
    from reconciler.manifest.schemas import schemas as manifest_schemas
    from reconciler.registry import manifest_kinds
    from reconciler.report.documents.schemas import schemas as report_schemas

    return {**manifest_schemas(manifest_kinds()), **report_schemas()}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
