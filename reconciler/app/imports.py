"""Import what is live and in no manifest: new files by kind; what manifests of other environments say is shared."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import chain, count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.app.connections import readers
from reconciler.app.files import write_file
from reconciler.app.project import Project
from reconciler.app.sharing import Sharing
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, OutputError
from reconciler.manifest.write import render
from reconciler.reconcile.importer import Imported, ImportResult, import_live

if TYPE_CHECKING:
    from reconciler.http.observe import Observer

_SCHEMA = Path("schemas") / "manifest.schema.json"


class Import(Struct, frozen=True):
    """What was imported from one environment, and the files that were written."""

    environment: str
    result: ImportResult
    files: tuple[str, ...]


async def import_into(
    project: Project,
    folder: Path,
    targets: frozenset[str],
    observer: Observer,
    *,
    token_cache: bool = True,
    patches: bool | None = None,
) -> Import:
    """Write manifests for the live objects of one environment that no manifest names.

    Where a manifest of another environment names the same object, that one is shared, and what differs becomes a patch.

    Args:
        project: its environment and manifests.
        folder: where the files go; made where it is missing.
        targets: limit to these kinds or objects; none: all.
        observer: told of the requests.
        token_cache: whether access tokens may be kept in files.
        patches: whether what the environment has otherwise than manifests that count in it already becomes patches,
            too, and what it does not have is limited to the others; None: where nothing was ever applied to it, and
            there are others.

    Raises:
        ReconcilerError: something could not be read.
        OutputError: a file cannot be written.
    """
    # A patch may be for a manifest that this very import is to write.
    session = project.session(utc_now(), idle_patches=True)
    # Whatever the targets are: the names of what is referred to come from the other kinds.
    async with readers(session, (), observer, token_cache=token_cache) as opened:
        live = await session.read(opened)
    loaded = project.load(idle_patches=True)
    several = len(loaded.environments) > 1
    if patches is None:
        patches = several and not session.memory().snapshots
    sharing = Sharing.of(project, session, loaded, live, patches=patches)
    taken = {(manifest.kind, manifest.name) for manifest in loaded.manifests}
    hosts = session.settings.target_hosts
    found = import_live(session.kinds, live, sharing.managed, targets, taken, sharing.wished, hosts)
    result = sharing.settle(found, targets)
    limit = session.name if several else None
    files = (*sharing.write(), *_write(result, folder, only_in=limit))
    return Import(session.name, result, files)


def _write(result: ImportResult, folder: Path, *, only_in: str | None) -> tuple[str, ...]:
    """Write the imported manifests, one file per kind; limit them to an environment where there are several."""
    if not result.manifests:
        return ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {error.strerror}", next_step="Name another with --into."
        ) from error
    files: list[str] = []
    for kind, group in groupby(result.manifests, key=lambda item: item.kind):
        manifests = list(group)
        path = _free(folder, kind, [item.name for item in manifests], only_in)
        # Editors take the schema line for the document that it stands in, not for the file.
        documents = [_schema_line(path) + _document(item, only_in) for item in manifests]
        try:
            write_file(path, "---\n".join(documents))
        except KeyboardInterrupt:
            raise _interrupted(files) from None
        files.append(str(path))
    return tuple(files)


def _interrupted(files: Sequence[str]) -> Interrupted:
    written = f"after {', '.join(files)}" if files else "before any file was written"
    return Interrupted(f"Interrupted {written}", next_step="`reconciler import` writes what is still in no manifest.")


def _free(folder: Path, kind: str, names: Sequence[str], only_in: str | None) -> Path:
    """Return a file that is not there yet, called after what it holds: kind, environment, the only name."""
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
    if only_in is not None:
        stem = f"{stem}.{only_in}"
    of_one = [f"{stem}.{names[0]}"] if len(names) == 1 else []
    stems = chain([stem, *of_one], (f"{stem}-{number}" for number in count(2)))
    return next(path for name in stems if not (path := folder / f"{name}.yaml").exists())


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
