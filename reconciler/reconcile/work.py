"""Work of an apply: the values behind the changes of a plan. May hold secrets, so it is never written down."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from msgspec import Struct, field

from reconciler.errors import Place
from reconciler.kind.kind import Observed
from reconciler.kind.semantics import State
from reconciler.ledger.config.model import AskedRequest
from reconciler.pause.declared import DeclaredPause
from reconciler.reconcile.plan import Change, Plan
from reconciler.reconcile.requests import EndedRequest, Task
from reconciler.redacted import RedactedStruct

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Desired(RedactedStruct, frozen=True):
    """One managed live object as the manifests want it, references resolved.

    `state` holds `Secret` objects in write-only fields and for values with secrets in them, and live IDs in reference
    fields; a pause is a boolean there and is kept as declared in `pause`. `ignore` holds paths left to others,
    `sensitive` those whose values are secret. `held` are the members that a lease holds, as the manifest has them: they
    are among what is ignored, and the ledger remembers them as applied.
    """

    redacted: ClassVar[tuple[str, ...]] = ("state", "places")

    kind: str
    name: str
    id: str
    state: State
    place: Place
    absent: bool = False
    protect: bool = False
    ignore: frozenset[str] = frozenset()
    sensitive: frozenset[str] = frozenset()
    renamed_from: tuple[str, ...] = ()
    pause: DeclaredPause | None = None
    places: Mapping[str, Place] = field(default_factory=lambda: _NOTHING)
    held: Mapping[str, object] = field(default_factory=lambda: _NOTHING)

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.name}"


class Work(Struct, frozen=True):
    """One change with the values behind it. `changed` are the paths that differ; `api` names the connection.

    `pause_alone`: it is a part of what differs, so it is not remembered as what was applied.
    """

    change: Change
    api: str
    api_url: str
    desired: Desired
    observed: Observed | None
    changed: frozenset[str]
    pause_alone: bool = False

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return self.change.key


class Planned(RedactedStruct, frozen=True):
    """A plan and the work behind it.

    Args:
        plan: the plan.
        work: behind each of its changes, by `Change.key`.
        settled: what already is as desired.
        tasks: behind each of its operations, by `Operation.key`.
        rest: operations that an earlier run began and has not sent all of, by key; no part of the plan.
        ended: what became of the requests that are not carried out any more, by key.
        asked: every request of the manifests, for the ledger.
    """

    redacted: ClassVar[tuple[str, ...]] = ("work", "settled", "tasks", "rest", "ended", "asked")

    plan: Plan
    work: Mapping[str, Work]
    settled: tuple[Desired, ...] = ()
    tasks: Mapping[str, Task] = {}
    rest: Mapping[str, Task] = {}
    ended: Mapping[str, EndedRequest] = {}
    asked: tuple[AskedRequest, ...] = ()
