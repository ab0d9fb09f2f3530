"""Adopt: the live values of a drifted object, as edits of the manifest that names it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from reconciler.errors import UsageError
from reconciler.kind.kind import Action, Kinds, Observed
from reconciler.kind.sensitive import position_of, without_secrets
from reconciler.manifest.edit import ABSENT
from reconciler.manifest.model import Manifest
from reconciler.manifest.references import has_reference
from reconciler.reconcile.diff import covers, field_path, value_at
from reconciler.reconcile.importer import Imported, as_manifest, misfit
from reconciler.reconcile.notes import forbidden_hosts
from reconciler.reconcile.plan import FieldChange
from reconciler.reconcile.work import Work


class Edit(Struct, frozen=True):
    """One value to be written: the path from the document's root, and the value or ABSENT."""

    path: tuple[str, ...]
    value: Any


def is_adoptable(
    kinds: Kinds, work: Work, names: Mapping[tuple[str, str], str], target_hosts: tuple[str, ...] | None = None
) -> bool:
    """Whether a manifest may want what live has of a drifted object; see `adopt`."""
    try:
        _adoptable(kinds, work, names, target_hosts)
    except UsageError:
        return False
    return True


def adopt(
    kinds: Kinds,
    work: Work,
    manifest: Manifest,
    in_file: Manifest,
    names: Mapping[tuple[str, str], str],
    target_hosts: tuple[str, ...] | None = None,
) -> tuple[Edit, ...]:
    """Return the edits that make a manifest want what live has.

    Args:
        kinds: the registry.
        work: the drifted object.
        manifest: its manifest in this environment, patches merged.
        in_file: the same manifest as its file has it.
        names: manifest name of every live object, for references.
        target_hosts: allow-list of delivery hosts, or None where the environment has none.

    Raises:
        UsageError: the difference is not one that an edit of this manifest can adopt; says what to do instead.
    """
    units, live = _adoptable(kinds, work, names, target_hosts)
    return tuple(_edit(unit, live.spec, manifest, in_file) for unit in units)


def _adoptable(
    kinds: Kinds, work: Work, names: Mapping[tuple[str, str], str], target_hosts: tuple[str, ...] | None
) -> tuple[tuple[str, ...], Imported]:
    """Return the paths that a manifest would take over, and the live object as a manifest."""
    key = work.change.key
    if work.observed is None:
        raise UsageError(
            f"{key} cannot be adopted: it is not live any more",
            place=work.change.place,
            next_step="Remove its manifest, or write `state: absent`.",
        )
    if work.change.action in (Action.DELETE, Action.RENAME):
        raise UsageError(
            f"{key} cannot be adopted: its manifest asks for a {work.change.action}",
            place=work.change.place,
            next_step="Take `state: absent` or `renamedFrom` out of the manifest.",
        )
    model = kinds[work.change.kind].spec
    units = units_of(model, work.change.fields, work.desired.state, work.observed)
    if not units:
        raise UsageError(
            f"{key} cannot be adopted: only secrets differ, and live does not show them",
            place=work.change.place,
            next_step="Apply it, or correct the secret in the environment of this run.",
        )
    for path, host in forbidden_hosts(model, work.observed.state, target_hosts):
        if any(covers((unit,), path) for unit in units):
            raise UsageError(
                f"{key} cannot be adopted: {path} points {f'at {host}, ' if host else ''}outside targetHosts",
                place=work.change.place,
                next_step="Apply the manifest, or let the host into targetHosts by a reviewed change.",
            )
    for unit in units:
        value = value_at(work.observed.state, unit)
        if without_secrets(value, position_of(model, unit, work.desired.sensitive), work.desired.sensitive) != value:
            raise UsageError(
                f"{key} cannot be adopted: live has a secret in {unit}",
                place=work.change.place,
                next_step="Write it by hand, with ${secret:NAME} for the secret in it, or apply the manifest.",
            )
    live = as_manifest(kinds, work.observed, {**names, (work.change.kind, work.observed.id): work.change.name})
    reason = misfit(kinds, live)
    if reason is not None:
        raise UsageError(
            f"{key} cannot be adopted: no manifest can say it: {reason}",
            place=work.change.place,
            next_step="Apply the manifest, or correct the live object.",
        )
    return units, live


def units_of(
    model: type[BaseModel], fields: Iterable[FieldChange], desired: Mapping[str, Any], observed: Observed
) -> tuple[str, ...]:
    """Return the paths whose live values make a manifest want what live has.

    Of a secret alone live shows nothing; of an object that one side lacks it shows that, whatever is in it.

    Args:
        model: of the spec.
        fields: what differs.
        desired: what the manifest wants.
        observed: the live object.
    """
    found: dict[str, None] = {}
    for field in fields:
        path = field_path(model, field.path)
        unit = _highest_unit(path, desired, observed)
        if not field.sensitive or unit != path:
            found[unit] = None
    return tuple(found)


def _highest_unit(path: str, desired: Mapping[str, Any], observed: Observed) -> str:
    """Return the highest part of the path that one side lacks as a whole, else the path itself."""
    parts = path.split(".")
    for length in range(1, len(parts)):
        prefix = ".".join(parts[:length])
        if (value_at(desired, prefix) is None) != (value_at(observed.state, prefix) is None):
            return prefix
    return path


def _edit(path: str, spec: Mapping[str, Any], manifest: Manifest, in_file: Manifest) -> Edit:
    written = value_at(manifest.raw, path)
    if written != value_at(in_file.raw, path):
        raise UsageError(
            f"{manifest.key}: {path} comes from a patch of the environment",
            place=manifest.place(path),
            next_step="Change it in the Environment's patches by hand.",
        )
    if has_reference(written):
        raise UsageError(
            f"{manifest.key}: {path} is written as a reference",
            place=manifest.place(path),
            next_step="Change what the reference stands for, or write the value by hand.",
        )
    value = value_at(spec, path)
    return Edit(("spec", *path.split(".")), ABSENT if value is None else value)
