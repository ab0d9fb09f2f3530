"""Work of an apply: the values behind the changes of a plan. May hold secrets, so it is never written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.errors import Place
from reconciler.kind.kind import Observed
from reconciler.kind.semantics import State
from reconciler.pause.declared import DeclaredPause
from reconciler.reconcile.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class Desired:
    """One managed live object as the manifests want it, references resolved.

    `state` holds `Secret` objects in write-only fields and for values with secrets in them, and live IDs in reference
    fields; a pause is a boolean there and is kept as declared in `pause`. `ignore` holds paths left to others,
    `sensitive` those whose values are secret. `held` are the members that a lease holds, as the manifest has them: they
    are among what is ignored, and the ledger remembers them as applied.
    """

    kind: str
    name: str
    id: str
    state: State = field(repr=False)
    place: Place
    absent: bool = False
    protect: bool = False
    ignore: frozenset[str] = frozenset()
    sensitive: frozenset[str] = frozenset()
    renamed_from: tuple[str, ...] = ()
    pause: DeclaredPause | None = None
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    held: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Work:
    """One change with the values behind it. `changed` are the paths that differ; `api` names the connection."""

    change: Change
    api: str
    api_url: str
    desired: Desired
    observed: Observed | None
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and the work behind each of its changes, by `Change.key`; `settled` is what already is as desired."""

    plan: Plan
    work: Mapping[str, Work] = field(repr=False)
    settled: tuple[Desired, ...] = field(default=(), repr=False)
