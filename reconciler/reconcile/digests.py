"""Digests: what an approval approves. They cover resolved values other than secrets, never YAML bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from reconciler.kind import State
from reconciler.reconcile.plan import Change, FieldChange, Plan

ABSENT = "absent"


def _digest(value: Any) -> str:
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def precondition_of_delete(observed: State) -> str:
    """Return what live must look like for a delete: all of it, because all of it goes."""
    return _digest(observed)


def precondition_of_update(fields: Iterable[FieldChange]) -> str:
    """Return what live must look like for an update: the fields that it changes."""
    return _digest([[field.path, field.before] for field in fields])


def change_digest(change: Change) -> str:
    """Return the digest of one change; its own `digest` and `place`, its cause and words are not part of it."""
    return _digest(
        [
            change.kind,
            change.name,
            change.id,
            change.action,
            change.renamed_from,
            [[field.path, field.before, field.after, field.sensitive] for field in change.fields],
            change.precondition,
        ]
    )


def plan_digest(plan: Plan) -> str:
    """Return the digest of a plan as a file: environment, connections, times, changes and overrides."""
    return _digest(
        [
            plan.format_version,
            plan.environment,
            [list(pair) for pair in plan.connections],
            plan.created_at.isoformat(),
            plan.expires_at.isoformat(),
            [change.digest for change in plan.changes],
            [[breach.rule, list(breach.changes), breach.overridden] for breach in plan.breaches],
        ]
    )
