"""Adopt live values: write them into the manifests that name the objects which drifted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from reconciler.app.drift import Drift
from reconciler.app.files import write_file
from reconciler.app.project import Project
from reconciler.errors import Interrupted, UsageError
from reconciler.manifest.edit import set_value
from reconciler.reconcile.adopt import adopt
from reconciler.reconcile.importer import manifest_names


class Adopted(Struct, frozen=True):
    """One live value that was written into a manifest."""

    key: str
    path: str
    file: str


def adopt_into_files(project: Project, drift: Drift, keys: Sequence[str]) -> tuple[Adopted, ...]:
    """Write live values into the manifests that name them.

    Args:
        project: where the manifests are.
        drift: what differs, with its live side.
        keys: the objects, as `Kind/name`.

    Raises:
        UsageError: one of them cannot be adopted; no file is changed then.
        OutputError: a file cannot be written.
    """
    inputs, work = drift.comparison.inputs, drift.comparison.planned.work
    managed = {(item.kind, item.id): item.name for item in inputs.desired}
    names = manifest_names(inputs.live, managed)
    here = {manifest.key: manifest for manifest in drift.session.manifests}
    in_files = {manifest.key: manifest for manifest in project.load().manifests}
    texts: dict[str, str] = {}
    adopted: list[Adopted] = []
    for key in dict.fromkeys(keys):
        if key not in work:
            raise UsageError(f"{key} has not drifted", next_step="`reconciler drift` lists what has.")
        manifest = in_files[key]
        for edit in adopt(drift.session.kinds, work[key], here[key], manifest, names, inputs.target_hosts):
            text = texts.get(manifest.file) or Path(manifest.file).read_bytes().decode()
            texts[manifest.file] = set_value(text, manifest.index, edit.path, edit.value)
            adopted.append(Adopted(key, ".".join(edit.path[1:]), manifest.file))
    written: list[str] = []
    for file, text in texts.items():
        try:
            write_file(Path(file), text)
        except KeyboardInterrupt:
            so_far = f"after {', '.join(written)}" if written else "before any manifest was changed"
            raise Interrupted(
                f"Interrupted {so_far}", next_step="`reconciler drift` lists what is left to adopt."
            ) from None
        written.append(file)
    return tuple(adopted)
