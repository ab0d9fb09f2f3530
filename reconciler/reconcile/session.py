"""Session of one environment, ready to be compared: its manifests, its APIs, the memory of its ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.errors import ManifestErrors, Place, Problem, UnresolvedReference
from reconciler.kind.connection import Reader
from reconciler.kind.kind import Kinds
from reconciler.kind.request import RequestKinds
from reconciler.ledger.access import Access
from reconciler.ledger.config.model import Memory
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import durability
from reconciler.manifest.connection import (
    Connection,
    Service,
    Settings,
    resolve_connection,
    resolve_service,
    resolve_settings,
)
from reconciler.manifest.load import gc_paused
from reconciler.manifest.model import Manifest
from reconciler.manifest.policies import Breaches
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import Selected
from reconciler.manifest.unset import with_all_unset
from reconciler.reconcile.desired import desired_objects
from reconciler.reconcile.diff import left_to_apply
from reconciler.reconcile.hashing import hashed_meanwhile
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.live import LiveSide, read_live
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.policies import policy_breaches
from reconciler.reconcile.requests import Requested, requested
from reconciler.reconcile.secrets import compared_secrets, last_restore
from reconciler.reconcile.work import Desired, Planned


class PlanRequest(Struct, frozen=True):
    """Options of a plan beside the environment; see `PlanInputs`."""

    targets: frozenset[str] = frozenset()
    overrides: Mapping[str, str] = {}
    push_secrets: bool = False
    excluded: frozenset[str] = frozenset()
    remarks: tuple[Note, ...] = ()
    at_risk: Mapping[str, str] = {}
    secrets_at_apply: bool = False


class Comparison(Struct, frozen=True):
    """A plan and what it was made from."""

    inputs: PlanInputs
    planned: Planned


def _no_service() -> Service | None:
    return None


class Session(Struct, frozen=True):
    """One environment of one run.

    `connections` are by provider; `opened_at` is the run's clock; `lasting` says that its ledger is there for the next;
    `file` is the one that its Environment stands in; `service` resolves what a service does for it;
    `watched` says that webhooks are to tell a service who writes live; `access` is how its ledger is reached.
    """

    name: str
    manifests: tuple[Manifest, ...]
    kinds: Kinds
    desired: tuple[Desired, ...]
    connections: Mapping[str, Connection]
    settings: Settings
    opened_at: datetime
    lasting: bool = True
    file: str = ""
    requests: tuple[Requested, ...] = ()
    request_kinds: RequestKinds = {}
    breaches: Callable[[], Breaches] = Breaches
    service: Callable[[], Service | None] = _no_service
    watched: bool = False
    access: Access = field(default_factory=Access)

    @property
    def urls(self) -> dict[str, str]:
        """Provider to its live side, as plans and ledger name it."""
        return {api: connection.live_side for api, connection in self.connections.items()}

    def without_lost_sites(self, memory: Memory) -> Session:
        """Return the session without what nobody can reach: a site that was disconnected, and with it its credentials.

        Args:
            memory: what the ledger remembers of the environment.
        """
        lost = {
            api
            for api, connection in self.connections.items()
            if connection.is_handed_over
            and (site := memory.sites.get(connection.live_side)) is not None
            and not site.connected
        }
        if not lost:
            return self
        return replace(
            self,
            connections={api: each for api, each in self.connections.items() if api not in lost},
            desired=tuple(item for item in self.desired if self.kinds[item.kind].api not in lost),
            requests=tuple(item for item in self.requests if self.request_kinds[item.kind].api not in lost),
        )

    def kinds_read(self, targets: Iterable[str]) -> tuple[str, ...]:
        """Return the kinds that a plan with these targets has to read: all without targets, else the ones named.

        A request that is named says what has to be read for it.
        """
        named = {target.partition("/")[0] for target in targets}
        for name in tuple(named):
            if name in self.request_kinds:
                named.update(self.request_kinds[name].reads)
        return tuple(
            name for name, kind in self.kinds.items() if kind.api in self.connections and (not named or name in named)
        )

    def scopes(self, api: str, targets: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the roles that reading and writing these kinds takes."""
        names = self.kinds_read(targets)
        roles = (self.kinds[name].role for name in names if self.kinds[name].api == api)
        return tuple(dict.fromkeys(role for role in roles if role is not None))

    def apis_read(self, targets: Iterable[str]) -> frozenset[str]:
        """Return the providers whose live side a plan with these targets has to read."""
        return frozenset(self.kinds[name].api for name in self.kinds_read(targets))

    def memory(self, ledgers: Ledgers | None = None) -> Memory:
        """Read what the ledger remembers; nothing is created.

        Args:
            ledgers: shared by the environments of one run; own ones where left out.

        Raises:
            LedgerError: there is a ledger, and it cannot be read, or knows this environment's name with other APIs.
        """
        if ledgers is None:
            with self.access.reading() as ledgers:
                return self.memory(ledgers)
        return ledgers.memory(self.settings.ledger, self.name, tuple(self.urls.values()), self.urls)

    async def read(self, readers: Mapping[str, Reader], targets: Iterable[str] = ()) -> LiveSide:
        """Read the live side of the kinds that these targets need.

        Raises:
            ApiError: a read failed.
        """
        names = self.kinds_read(targets)
        declared = {item.kind for item in self.desired if not item.absent}
        # What cannot be read, and no manifest names, is not asked for.
        asked = [name for name in names if self.kinds[name].readable or name in declared]
        live = await read_live(self.kinds, asked, readers)
        return {name: live.get(name, {}) for name in names if self.kinds[name].api in readers}

    async def compare(
        self, readers: Mapping[str, Reader], request: PlanRequest, memory: Memory, now: datetime
    ) -> Comparison:
        """Read live and plan.

        Raises:
            ApiError: a read failed.
            UsageError: a target or an override names nothing.
        """
        from reconciler.reconcile.planner import make_plan  # runs of data syncs have sessions too, and plan nothing

        secrets = self._compared_secrets(request, memory)
        # What takes a processor is done while the network is awaited.
        async with hashed_meanwhile(memory.salt, secrets):
            live = await self.read(readers, request.targets)
        inputs = self.inputs(live, request, memory, now)
        with gc_paused():
            return Comparison(inputs, make_plan(inputs))

    def _compared_secrets(self, request: PlanRequest, memory: Memory) -> tuple[str, ...]:
        """Return the values of secrets that a plan compares with what the ledger remembers of them."""
        if request.push_secrets or request.secrets_at_apply:
            return ()
        kinds = frozenset(self.kinds_read(request.targets))
        desired = (item for item in self.desired if item.kind in kinds)
        return tuple(compared_secrets(desired, self.kinds, self.urls, memory))

    def inputs(self, live: LiveSide, request: PlanRequest, memory: Memory, now: datetime) -> PlanInputs:
        """Return what is compared: the manifests of this session and a live side that was read."""
        staging = any(connection.environment == "staging" for connection in self.connections.values())
        windows = [last_restore(self.settings.restore_window, now)] if staging else []
        told = [] if memory.restored_at is None else [memory.restored_at]
        restored_at = max([*windows, *told], default=None)
        return PlanInputs(
            environment=self.name,
            connections=self.urls,
            kinds=self.kinds,
            desired=_without_secrets(self.desired) if request.secrets_at_apply else self.desired,
            live=live,
            memory=memory,
            guardrails=self.settings.guardrails,
            now=now,
            target_hosts=self.settings.target_hosts,
            restored_at=restored_at,
            lasting=self.lasting,
            push_secrets=request.push_secrets,
            targets=request.targets,
            excluded=request.excluded,
            overrides=request.overrides,
            requests=self.requests,
            request_kinds=self.request_kinds,
            bracket=self.settings.bracket,
            remarks=request.remarks,
            at_risk=request.at_risk,
            secrets_at_apply=request.secrets_at_apply,
            watched=self.watched,
        )

    def judged(self, request: PlanRequest) -> PlanRequest:
        """Judge the manifests by the policies, and return the request with what is to be noted.

        Raises:
            ManifestErrors: policies are broken whose severity is error.
        """
        found = self.breaches()
        if found.problems:
            raise ManifestErrors(found.problems)
        notes = (
            Note(NoteKind.POLICY, self.name, each.message, each.place) for each in (*found.warnings, *found.unsure)
        )
        return replace(request, remarks=tuple(notes))


def _without_secrets(desired: Iterable[Desired]) -> tuple[Desired, ...]:
    """Return objects as they are where their secrets are not set: a plan is the same wherever it is made."""
    return tuple(replace(item, state=left_to_apply(item.state)) for item in desired)


def _told(problem: Problem) -> tuple[str, Place]:
    return problem.message, problem.place


def open_session(
    selected: Selected,
    kinds: Kinds,
    environ: Mapping[str, str],
    now: datetime,
    request_kinds: RequestKinds = MappingProxyType({}),
) -> Session:
    """Resolve what one environment needs, and nothing of the others.

    Args:
        selected: the environment and its manifests, validated.
        kinds: the registry.
        environ: the environment variables of this run.
        now: decides which declared pauses are over (timezone-aware).
        request_kinds: the registry of requests.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value.
        SeveralUnset: several have none; each is named.
        ManifestErrors: a resolved value does not fit, or the Environment does not say how to reach an API.
    """
    scope = Scope.of(selected.environment, environ, selected.base)
    all_kinds = {**kinds, **request_kinds}
    needed = {all_kinds[manifest.kind].api for manifest in selected.manifests}
    states = [manifest for manifest in selected.manifests if manifest.kind in kinds]
    asking = [manifest for manifest in selected.manifests if manifest.kind in request_kinds]
    apis = [
        api
        for api in dict.fromkeys(kind.api for kind in kinds.values())
        if api in needed or api in selected.environment.raw
    ]
    try:
        with gc_paused():
            desired = desired_objects(states, kinds, scope, now)
            ids = {(item.kind, item.name): item.id for item in desired}
            requests = requested(asking, request_kinds, scope, ids)
        settings = resolve_settings(selected.environment, scope)
        connections = {
            api: resolve_connection(selected.environment, scope, api).shared_by(
                settings.ledger, selected.environment.name
            )
            for api in apis
        }
    except UnresolvedReference as error:
        raise with_all_unset(error, selected.environment, selected.manifests, all_kinds, scope, apis) from None
    return Session(
        name=selected.environment.name,
        manifests=selected.manifests,
        kinds=kinds,
        desired=desired,
        connections=connections,
        settings=settings,
        opened_at=now,
        lasting=durability(settings.ledger, environ).durable,
        file=selected.environment.file,
        requests=requests,
        request_kinds=request_kinds,
        breaches=partial(policy_breaches, selected, all_kinds, scope),
        service=partial(resolve_service, selected.environment, scope),
        watched=_is_watched(selected.environment.raw.get("service")),
    )


def _is_watched(service: object) -> bool:
    return isinstance(service, Mapping) and service.get("webhooks") is not None
