"""Desired objects of one environment, made from its manifests. Pure but for what `Scope` looks up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from reconciler.errors import ManifestErrors, Problem, ReconcilerError, UnresolvedReference
from reconciler.kind.kind import Kinds
from reconciler.kind.semantics import State, fields_of
from reconciler.kind.sensitive import marked_paths
from reconciler.manifest.model import Manifest
from reconciler.manifest.resolve import ResolvedSpec, resolve
from reconciler.manifest.scope import Scope
from reconciler.pause.declared import DeclaredPause
from reconciler.reconcile.references import with_references
from reconciler.reconcile.work import Desired

_NOTHING = frozenset[str]()


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
    resolved: list[tuple[Manifest, State, DeclaredPause | None]] = []
    problems: list[Problem] = []
    unresolved: list[UnresolvedReference] = []
    for manifest in manifests:
        try:
            item = resolve(manifest, kinds[manifest.kind], scope)
            # Of the spec only the pause is needed, and thousands of specs take much memory.
            resolved.append((manifest, item.state, _pause_of(item)))
        except ManifestErrors as errors:
            problems.extend(errors.problems)
        except UnresolvedReference as error:
            unresolved.append(error)
    if problems:
        raise ManifestErrors([*problems, *(_as_problem(error) for error in unresolved)])
    if unresolved:
        raise unresolved[0]  # whoever opens the session names the others
    ids = {
        (manifest.kind, manifest.name): kinds[manifest.kind].live_id(manifest.name, state)
        for manifest, state, _ in resolved
    }
    return tuple(_desired(manifest, state, pause, kinds, ids, now) for manifest, state, pause in resolved)


def _as_problem(error: ReconcilerError) -> Problem:
    if error.place is None:
        raise error
    return Problem(error.code, error.message, error.place, hint=error.next_step)


def _pause_of(item: ResolvedSpec) -> DeclaredPause | None:
    """Return the pause that a spec declares; None where it has none to declare."""
    if item.spec is None:
        return None
    pauses = (node.attribute for node in fields_of(type(item.spec)).values() if node.semantics.pause)
    attribute = next(pauses, None)
    return None if attribute is None else _declared(getattr(item.spec, attribute))


def _desired(
    manifest: Manifest,
    state: State,
    pause: DeclaredPause | None,
    kinds: Kinds,
    ids: Mapping[tuple[str, str], str],
    now: datetime,
) -> Desired:
    kind = kinds[manifest.kind]
    live_id = ids[manifest.kind, manifest.name]
    state = with_references(kind.spec, state, lambda target, name: ids.get((target, name), name))
    if kind.id_field is not None:
        state[kind.id_field] = live_id
    if kind.pause_field is not None and pause is not None:
        state[kind.pause_field] = pause.is_active(now)
    return Desired(
        kind=manifest.kind,
        name=manifest.name,
        id=live_id,
        state=state,
        place=manifest.place(),
        absent=manifest.absent,
        protect=manifest.metadata.protect,
        ignore=frozenset(manifest.metadata.ignore) if manifest.metadata.ignore else _NOTHING,
        sensitive=marked_paths(manifest.metadata.sensitive),
        renamed_from=tuple(manifest.metadata.renamed_from),
        pause=pause,
    )


def _declared(value: bool | _Declares) -> DeclaredPause:
    return DeclaredPause(value) if isinstance(value, bool) else value.declared()
