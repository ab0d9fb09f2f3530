"""Inputs of a plan, the clock included: same input, same plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from reconciler.kind.kind import Kinds
from reconciler.kind.request import RequestKinds
from reconciler.ledger.config.model import Memory
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.live import LiveSide
from reconciler.reconcile.plan import Note
from reconciler.reconcile.requests import Requested
from reconciler.reconcile.work import Desired


class PlanInputs(Struct, frozen=True):
    """Inputs of `make_plan`.

    Args:
        environment: name of the Environment.
        connections: provider to API base URL.
        kinds: the registry.
        desired: every managed object, references resolved; those outside `--target` included.
        live: what was read.
        memory: what the ledger remembers.
        guardrails: the environment's limits.
        now: the moment of planning (timezone-aware).
        target_hosts: allow-list of delivery hosts, or None where the environment has none.
        restored_at: when live was last overwritten from production, or None where it was not.
        lasting: whether the ledger is there for the next run.
        push_secrets: send every secret, whatever the ledger remembers.
        targets: `KIND` or `KIND/NAME` to limit the plan to; empty: everything.
        excluded: `KIND` or `KIND/NAME` to leave out, also of what is targeted.
        overrides: guardrail rule to reason.
        requests: what manifests ask to be done once; those outside `--target` included.
        request_kinds: the registry of requests.
        bracket: whether a running sync is paused around a change of its target.
        remarks: notes that were made before live was read.
        at_risk: by `KIND/NAME`, how much a change of it would lose, where somebody looked.
        secrets_at_apply: whether what `${secret:}` says is left to apply, which compares and checks it; literals in
            `desired` are set all the same.
        watched: whether webhooks are to tell who writes live.
    """

    environment: str
    connections: Mapping[str, str]
    kinds: Kinds
    desired: tuple[Desired, ...]
    live: LiveSide
    memory: Memory
    guardrails: Guardrails
    now: datetime
    target_hosts: tuple[str, ...] | None = None
    restored_at: datetime | None = None
    lasting: bool = True
    push_secrets: bool = False
    targets: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    overrides: Mapping[str, str] = {}
    requests: tuple[Requested, ...] = ()
    request_kinds: RequestKinds = {}
    bracket: bool = False
    remarks: tuple[Note, ...] = ()
    at_risk: Mapping[str, str] = {}
    secrets_at_apply: bool = False
    watched: bool = False

    def is_missing(self, kind: str, live_id: str) -> bool:
        """Return whether live was read and has no such object."""
        return kind in self.live and live_id not in self.live[kind] and live_id not in self.kinds[kind].built_in

    def in_target(self, kind: str, name: str) -> bool:
        """Return whether `--target` and `--exclude` let this object into the plan."""
        names = {kind, f"{kind}/{name}"}
        return (not self.targets or bool(names & self.targets)) and not names & self.excluded
