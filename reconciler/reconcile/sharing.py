"""Sharing of manifests between environments: what a manifest says of another one's objects, and what differs. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.kind import Action, Kinds, Observed
from reconciler.kind.semantics import semantics_by_path
from reconciler.ledger.config.model import Memory
from reconciler.manifest.load import Loaded
from reconciler.manifest.model import Manifest
from reconciler.manifest.references import has_reference
from reconciler.reconcile.adopt import units_of
from reconciler.reconcile.changes import draft
from reconciler.reconcile.diff import value_at
from reconciler.reconcile.importer import Imported, ImportedSecret
from reconciler.reconcile.live import LiveSide
from reconciler.reconcile.notes import forbidden_hosts
from reconciler.reconcile.references import references_in
from reconciler.reconcile.work import Desired


class Difference(Struct, frozen=True):
    """What an environment's live object has otherwise than its manifest says: a patch, and the secrets in it."""

    patch: Mapping[str, Any]
    secrets: tuple[ImportedSecret, ...] = ()


def of_other_environments(
    loaded: Loaded, environment: str, kinds: Kinds, live: LiveSide, managed: Collection[tuple[str, str]]
) -> tuple[Manifest, ...]:
    """Return the manifests of other environments alone that name a live object which none of this one names.

    Args:
        loaded: every manifest.
        environment: this one.
        kinds: the registry.
        live: what was read of it.
        managed: kind and live ID of what its own manifests name.
    """
    here = {(manifest.kind, manifest.name) for manifest in loaded.manifests_of(environment)}
    found: dict[tuple[str, str], Manifest] = {}
    for manifest in loaded.manifests:
        kind = kinds[manifest.kind]
        written = manifest.raw.get(kind.id_field) if kind.id_field is not None else None
        if manifest.absent or (manifest.kind, manifest.name) in here or has_reference(written):
            continue
        key = (manifest.kind, kind.live_id(manifest.name, manifest.raw))
        if key[1] in live.get(key[0], {}) and key not in managed:
            found.setdefault(key, manifest)
    return tuple(found.values())


def with_environment(loaded: Loaded, manifests: Collection[Manifest], environment: str) -> Loaded:
    """Return the manifests as they are once some of them count in an environment, too."""
    keys = {(manifest.file, manifest.index) for manifest in manifests}

    def one(manifest: Manifest) -> Manifest:
        if (manifest.file, manifest.index) not in keys:
            return manifest
        limits = [*(manifest.metadata.environments or ()), environment]
        return dataclasses.replace(manifest, metadata=manifest.metadata.model_copy(update={"environments": limits}))

    return replace(loaded, manifests=tuple(one(manifest) for manifest in loaded.manifests))


def difference(
    kinds: Kinds, desired: Desired, observed: Observed, manifest: Manifest, item: Imported, now: datetime
) -> Difference | None:
    """Return what a live object has otherwise than its manifest says; None where no patch can say it.

    Args:
        kinds: the registry.
        desired: the manifest's object in this environment.
        observed: its live counterpart.
        manifest: with the patches that there are already.
        item: the live object as a manifest of its own.
        now: the moment that this is about.
    """
    model = kinds[desired.kind].spec
    found = draft(
        kinds[desired.kind],
        desired,
        observed,
        memory=Memory(),
        api_url="",
        moved_secrets=frozenset(),
        restored=False,
        now=now,
    )
    if found is None:
        return Difference({})
    if found.change.action in (Action.DELETE, Action.RENAME):
        return None
    units = units_of(model, found.change.fields, desired.state, observed)
    patch: dict[str, Any] = {}
    for unit in (*units, *_companions(kinds, desired.kind, units)):
        value = _patched(value_at(manifest.raw, unit), value_at(item.spec, unit))
        if value is not None or value_at(manifest.raw, unit) is not None:
            _put(patch, unit, value)
    secrets = tuple(secret for secret in item.secrets if _is_in(patch, secret))
    return Difference(patch, secrets)


def _companions(kinds: Kinds, kind: str, units: Iterable[str]) -> Iterator[str]:
    """Yield the write-only fields that come and go with a field that differs."""
    for path, semantics in semantics_by_path(kinds[kind].spec).items():
        sibling = f"{path.rpartition('.')[0]}.{semantics.accompanies}".lstrip(".")
        if semantics.accompanies is not None and sibling in units:
            yield path


def _patched(before: Any, after: Any) -> Any:
    """Return what has to be merged into a value to make it another one; None removes it."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch = {name: None for name, value in before.items() if value is not None and after.get(name) is None}
    for name, value in after.items():
        if value is not None and json.dumps(before.get(name)) != json.dumps(value):
            patch[name] = _patched(before.get(name), value)
    return patch


def _put(patch: dict[str, Any], path: str, value: Any) -> None:
    first, _, rest = path.partition(".")
    if rest:
        _put(patch.setdefault(first, {}), rest, value)
    else:
        patch[first] = value


def _is_in(patch: Mapping[str, Any], secret: ImportedSecret) -> bool:
    return f"${{secret:{secret.variable}}}" in json.dumps(patch, ensure_ascii=False)


def forbidden_in(
    kinds: Kinds, observed: Observed, patch: Mapping[str, Any], target_hosts: tuple[str, ...] | None
) -> str | None:
    """Return which path of a patch would let an environment point where its targetHosts forbids, or None."""
    found = forbidden_hosts(kinds[observed.kind].spec, observed.state, target_hosts)
    return next((path for path, _ in found if value_at(patch, path) is not None), None)


def only_elsewhere(
    kinds: Kinds, desired: Sequence[Desired], live: LiveSide, targets: Collection[str] = ()
) -> tuple[Desired, ...]:
    """Return the objects that an environment's manifests name and its live side does not have.

    What the manifest of something that no API shows refers to is left out: nobody knows whether that is there.

    Args:
        kinds: the registry.
        desired: every object of the environment.
        live: what was read.
        targets: `KIND` or `KIND/ID` to limit it to; empty: everything.
    """
    needed = {
        reference
        for item in desired
        if not kinds[item.kind].readable
        for reference in references_in(kinds[item.kind].spec, item.state)
    }
    return tuple(
        item
        for item in desired
        if item.kind in live
        and kinds[item.kind].readable
        and not item.absent
        and not {item.id, *item.renamed_from} & live[item.kind].keys()
        and (item.kind, item.id) not in needed
        and (not targets or not {item.kind, f"{item.kind}/{item.id}"}.isdisjoint(targets))
    )


def patches_with(
    written: Sequence[Mapping[str, Any]], found: Mapping[tuple[str, str], Mapping[str, Any]]
) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    """Return how the patches of an Environment change: the specs of those that are there, by number, and new ones.

    Args:
        written: its patches as they are.
        found: kind and name of a manifest to what has to be merged into it beside them.
    """
    changed: dict[int, dict[str, Any]] = {}
    new: list[dict[str, Any]] = []
    for (kind, name), patch in found.items():
        # The last one has the last word.
        number = max((n for n, one in enumerate(written) if (one["kind"], one["name"]) == (kind, name)), default=None)
        if number is None:
            new.append({"kind": kind, "name": name, "spec": dict(patch)})
        else:
            changed[number] = _joined(written[number]["spec"], patch)
    return changed, new


def _joined(patch: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return one patch that does what two do one after the other: unlike a merge it keeps what they remove."""
    joined = dict(patch)
    for name, value in later.items():
        before = joined.get(name)
        joined[name] = _joined(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return joined
