"""Imported manifests into new files: one file per kind, no file ever overwritten."""

from __future__ import annotations

import os
import re
from itertools import count, groupby
from pathlib import Path
from typing import Any

from reconciler.cli.terminal.output import write_file
from reconciler.errors import OutputError
from reconciler.manifest.write import render
from reconciler.reconcile.importer import Imported, ImportResult

_SCHEMA = Path("schemas") / "manifest.schema.json"


def write_manifests(result: ImportResult, folder: Path, *, only_in: str | None) -> tuple[str, ...]:
    """Write the imported manifests and return the files, one per kind.

    Args:
        result: what was imported.
        folder: where the files go; made where it is missing.
        only_in: the environment to limit the manifests to, where there are several.

    Raises:
        OutputError: a file cannot be written.
    """
    if not result.manifests:
        return ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {error.strerror}", next_step="Name another with --into."
        ) from error
    files: list[str] = []
    for kind, manifests in groupby(result.manifests, key=lambda item: item.kind):
        path = _free(folder, re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower())
        # Editors take the schema line for the document that it stands in, not for the file.
        documents = [_schema_line(path) + _document(item, only_in) for item in manifests]
        write_file(path, "---\n".join(documents))
        files.append(str(path))
    return tuple(files)


def _free(folder: Path, stem: str) -> Path:
    names = (f"{stem}.yaml" if number == 1 else f"{stem}-{number}.yaml" for number in count(1))
    return next(folder / name for name in names if not (folder / name).exists())


def _document(item: Imported, only_in: str | None) -> str:
    metadata: dict[str, Any] = {"name": item.name}
    if only_in is not None:
        metadata["environments"] = [only_in]
    return render(item.kind, metadata, item.spec)


def _schema_line(path: Path) -> str:
    """Point editors at the schema, where the repository has it beside the manifests."""
    for above in path.resolve().parents[1:4]:
        if (above / _SCHEMA).is_file():
            relative = os.path.relpath(above / _SCHEMA, path.resolve().parent)
            return f"# yaml-language-server: $schema={Path(relative).as_posix()}\n"
    return ""
