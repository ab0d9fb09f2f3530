"""Desired objects of one environment, made from its manifests. Pure but for what `Scope` looks up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from reconciler.errors import ManifestErrors, Problem, ReconcilerError, UnresolvedReference
from reconciler.kind.kind import Kinds
from reconciler.kind.semantics import fields_of
from reconciler.kind.sensitive import marked_paths
from reconciler.manifest.model import Manifest
from reconciler.manifest.resolve import ResolvedSpec, resolve
from reconciler.manifest.scope import Scope
from reconciler.pause.declared import DeclaredPause
from reconciler.reconcile.references import with_references
from reconciler.reconcile.work import Desired


class _Declares(Protocol):
    def declared(self) -> DeclaredPause: ...


def desired_objects(manifests: Iterable[Manifest], kinds: Kinds, scope: Scope, now: datetime) -> tuple[Desired, ...]:
    """Return the desired objects: references resolved, names turned into live IDs, pauses into booleans.

    Args:
        manifests: those of one environment, patches merged.
        kinds: the registry.
        scope: where references resolve.
        now: decides which declared pauses are over (timezone-aware).

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value: the first of them.
        ManifestErrors: resolved values that do not fit their fields, all of them.
    """
    resolved: list[tuple[Manifest, ResolvedSpec]] = []
    problems: list[Problem] = []
    unresolved: list[UnresolvedReference] = []
    for manifest in manifests:
        try:
            resolved.append((manifest, resolve(manifest, kinds[manifest.kind], scope)))
        except ManifestErrors as errors:
            problems.extend(errors.problems)
        except UnresolvedReference as error:
            unresolved.append(error)
    if problems:
        raise ManifestErrors([*problems, *(_as_problem(error) for error in unresolved)])
    if unresolved:
        raise unresolved[0]  # whoever opens the session names the others
    ids = {
        (manifest.kind, manifest.name): kinds[manifest.kind].live_id(manifest.name, item.state)
        for manifest, item in resolved
    }
    return tuple(_desired(manifest, item, kinds, ids, now) for manifest, item in resolved)


def _as_problem(error: ReconcilerError) -> Problem:
    if error.place is None:
        raise error
    return Problem(error.code, error.message, error.place, hint=error.next_step)


def _desired(
    manifest: Manifest, item: ResolvedSpec, kinds: Kinds, ids: Mapping[tuple[str, str], str], now: datetime
) -> Desired:
    kind = kinds[manifest.kind]
    live_id = ids[manifest.kind, manifest.name]
    state = with_references(kind.spec, item.state, lambda target, name: ids.get((target, name), name))
    if kind.id_field is not None:
        state[kind.id_field] = live_id
    pause: DeclaredPause | None = None
    for name, node in fields_of(kind.spec).items():
        if node.semantics.pause and item.spec is not None:
            pause = _declared(getattr(item.spec, node.attribute))
            state[name] = pause.is_active(now)
    return Desired(
        kind=manifest.kind,
        name=manifest.name,
        id=live_id,
        state=state,
        place=manifest.place(),
        absent=manifest.absent,
        protect=manifest.metadata.protect,
        ignore=frozenset(manifest.metadata.ignore),
        sensitive=marked_paths(manifest.metadata.sensitive),
        renamed_from=tuple(manifest.metadata.renamed_from),
        pause=pause,
    )


def _declared(value: bool | _Declares) -> DeclaredPause:
    return DeclaredPause(value) if isinstance(value, bool) else value.declared()
