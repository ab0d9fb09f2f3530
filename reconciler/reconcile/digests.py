"""Digests: what an approval approves. They cover resolved values other than secrets, never YAML bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from reconciler.kind.semantics import State
from reconciler.reconcile.plan import Change, FieldChange, Plan
from reconciler.reconcile.planfile import plan_to_json

ABSENT = "absent"


def _digest(value: Any) -> str:
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def precondition_of_delete(shown: State) -> str:
    """Return what live must look like for a delete: all of it that may be shown, because all of it goes."""
    return _digest(shown)


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
    """Return the digest of a plan as a file: all of it but the places in the manifests, which approve nothing."""
    document = plan_to_json(plan)
    for item in (*document["changes"], *document["notes"]):
        del item["source"]
    del document["digest"]
    return _digest(document)
