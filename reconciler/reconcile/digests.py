"""Digests of changes and plans, for approvals. They cover resolved values other than secrets, never YAML bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable
from typing import Any

import orjson
from msgspec.structs import replace

from reconciler.kind.semantics import State
from reconciler.reconcile.plan import Cause, Change, FieldChange, Operation, Plan
from reconciler.reconcile.planfile import field_to_json, plan_to_json, time_to_json

ABSENT = "absent"
PLAN_KEY = "RECONCILER_PLAN_KEY"
# What a plan says of itself and its checkout, beside what it would do.
_NOT_IN_DIGEST = ("digest", "signature", "approves", "status", "error", "commit", "base", "rules_changed")


def digest_of(value: Any) -> str:
    """Return the digest of plain JSON data, whatever the order of its members."""
    try:
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Half a character in a text that a ledger keeps: of such a plan there is no file that can be read back.
        canonical = json.dumps(value, sort_keys=True).encode()
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def precondition_of_delete(shown: State) -> str:
    """Return what live must look like for a delete: all of it that may be shown, because all of it goes."""
    return digest_of(shown)


def precondition_of_update(fields: Iterable[FieldChange], timed: Collection[str] = ()) -> str:
    """Return what live must look like for an update: the fields that it changes, but for what a window moves."""
    return digest_of([[field.path, field.before] for field in fields if field.path not in timed])


def field_digest(field: FieldChange) -> str:
    """Return the digest of one field of a change: its path, before and after."""
    return digest_of(field_to_json(field))


def change_digest(change: Change) -> str:
    """Return the digest of one change; its own `digest` and `place`, its cause and words are not part of it.

    Nor is what a window moves.
    """
    return digest_of(
        [
            change.kind,
            change.name,
            change.id,
            change.action,
            change.renamed_from,
            [
                [field.path, field.before, field.after, field.sensitive]
                for field in change.fields
                if field.path not in change.timed
            ],
            change.precondition,
            *([[step.action, step.key] for step in change.steps] if change.steps else ()),
        ]
    )


def operation_digest(operation: Operation) -> str:
    """Return the digest of one operation; its own `digest` and `place` are no part of it, nor what else may move."""
    return digest_of(
        [
            operation.kind,
            operation.name,
            operation.id,
            operation.does,
            operation.reason,
            list(operation.steps),
            time_to_json(operation.not_after),
        ]
    )


def signed(plan: Plan, key: str | None) -> Plan:
    """Return a plan signed with a key; as it is where there is none."""
    return replace(plan, signature=_signature(plan, key)) if key else plan


def is_signed(plan: Plan, key: str) -> bool:
    """Whether a plan was signed with this key as it stands."""
    return hmac.compare_digest((plan.signature or "").encode(), _signature(plan, key).encode())


def _signature(plan: Plan, key: str) -> str:
    return f"hmac-sha256:{hmac.new(key.encode(), plan_digest(plan).encode(), hashlib.sha256).hexdigest()}"


def plan_digest(plan: Plan) -> str:
    """Return the digest of a plan as a file: all of it but the places in the manifests, which approve nothing."""
    document = plan_to_json(plan)
    for item in (*document["changes"], *document["operations"], *document["notes"]):
        del item["source"]
    if not document["operations"]:
        del document["operations"]  # as in a plan that an older version saved
    for name in _NOT_IN_DIGEST:
        document.pop(name, None)
    return digest_of(document)


def approval_digest(plan: Plan) -> str:
    """Return the digest of what a plan approves: the same whenever the same would be done.

    Plans with `secrets_at_apply` have the same one with or without secrets at hand. It is that of a plan with secrets
    as long as no value of one has changed: such a change is seen by the plan with secrets alone. What a window moves is
    left out, since nobody approves it; what the plan was compared with as well.
    """
    changes = sorted(change.digest for change in plan.changes if change.cause is not Cause.WINDOW)
    operations = sorted(operation.digest for operation in plan.operations)
    return digest_of([plan.environment, sorted(plan.connections), changes, operations])


def sealed(plan: Plan) -> Plan:
    """Return a plan with its digests."""
    return replace(plan, digest=plan_digest(plan), approves=approval_digest(plan))
