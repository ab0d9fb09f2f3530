"""What all routes and loops of a process share: the environments that it serves, its front, its clock and its tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.app.chosen import Chosen
from reconciler.app.intake import open_inbox
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError
from reconciler.http.limit import Precedence
from reconciler.intake.consumer import ConsumerStatus
from reconciler.intake.inbox import AsyncInbox, Inbox
from reconciler.ledger.access import SharedAccess
from reconciler.ledger.config.services import ServiceStore
from reconciler.ledger.pulse import Pulse
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Service as Section
from reconciler.reconcile.plan import DriftReport
from reconciler.reconcile.session import Session
from reconciler.report.log import Log
from reconciler.serve.front import Front
from reconciler.serve.gates import Door, doors_of
from reconciler.serve.metrics import Metrics
from reconciler.serve.threads import Threads
from reconciler.sync.datasync import KIND, DataSync, data_syncs
from reconciler.sync.run.slots import Slots

if TYPE_CHECKING:
    from reconciler.workers.waker import Waker


AT_ONCE = 20
"""How many runs, and how many drift checks, a process carries out at once: more would keep one another from ending."""


class Served:
    """One environment that is served: its manifests, its ledger, and what `spec.service` names.

    Everything here that reads or writes the ledger blocks: call it in a thread.

    Args:
        session: the environment.
        section: its spec.service, resolved.
        reopened: opens a session of the same manifests at another time.
        manifests: their folder.
        commit: what they stand at in git; None: not known.

    Raises:
        ManifestErrors: nothing says how deliveries show who sends them.
    """

    def __init__(
        self,
        session: Session,
        section: Section,
        reopened: Callable[[datetime], Session] | None = None,
        manifests: Path = Path(),
        commit: str | None = None,
    ) -> None:
        self.access = SharedAccess()
        """How its ledger is reached; that of the process, once it is served."""
        self._reopened = reopened or (lambda _now: session)
        self.session = replace(session, access=self.access)
        self.section = section
        self.manifests = manifests
        self.commit = commit
        self.pulls = Precedence()
        """What SparkLayer pulls, of which runs go without."""
        self.consumers: tuple[ConsumerStatus, ...] = ()
        self.drift: DriftReport | None = None
        """What the last drift check found."""
        self.asked: asyncio.Task[None] | None = None
        """Asks the ledger whether it is there; None: nobody asks now."""
        self.doors: Mapping[str, Door] = doors_of(session, section)
        self._signs: ServiceStore | None = None
        self._signing = threading.Lock()
        self._signed_off = False
        self.waker: Waker | None = None
        """Wakes workers where messages come; None: this process runs data syncs itself."""
        self.on_inbox: Callable[[str, AsyncInbox], None] = lambda _name, _inbox: None
        """Told of each inbox that is opened."""
        self._inboxes: dict[str, AsyncInbox] = {}
        self._opening_inbox = asyncio.Lock()

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.session.name

    def share(self, access: SharedAccess) -> None:
        """Reach the ledger as the other environments of the process do."""
        self.access = access
        self.session = replace(self.session, access=access)

    def reopened(self, now: datetime) -> Session:
        """Open a session of the same manifests at another time.

        Raises:
            ReconcilerError: a reference has no value any more.
        """
        return replace(self._reopened(now), access=self.access)

    def ledger(self) -> Ledger:
        """Return the ledger, open for writing; it is opened once.

        Raises:
            LedgerError: it cannot be opened now.
        """
        return self.access.ledger(self.session.settings.ledger)

    def pulse(self) -> Pulse:
        """Return what loops wait for in the ledger; see `SharedAccess.pulse`.

        Raises:
            LedgerError: it cannot be read now.
        """
        return self.access.pulse(self.session.settings.ledger, KIND)

    def sign(self, holder: str, waits_for: str | None) -> None:
        """Tell the ledger that this process lives and has these manifests, unless that was taken back.

        Raises:
            LedgerError: it cannot be written now.
        """
        with self._signing:
            if self._signed_off:
                return
            if self._signs is None:
                self._signs = ServiceStore(self.ledger().database)
            self._signs.seen([self.name], holder, self.commit, waits_for)

    def sign_off(self) -> None:
        """Take back that this process has these manifests, as far as the ledger can be written."""
        with self._signing:
            self._signed_off = True
            if self._signs is not None:
                with suppress(ReconcilerError):
                    self._signs.gone()
                self._signs = None

    def was_asked(self, asked: asyncio.Task[None]) -> None:
        """Note that the ledger answered, or that nobody waits for it any more."""
        self.asked = None
        if not asked.cancelled():
            asked.exception()

    def data_syncs(self) -> tuple[DataSync, ...]:
        """Return the data syncs as the manifests have them, each data type with whether that was applied.

        Raises:
            LedgerError: the ledger cannot be read now.
        """
        return data_syncs(self.session, self.session.memory())

    async def inbox(self, name: str) -> AsyncInbox:
        """Return the inbox of a DataSync; it is opened once.

        Raises:
            LedgerError: the ledger cannot be opened now.
        """
        opened = self._inboxes.get(name)
        if opened is not None:
            return opened
        async with self._opening_inbox:
            if name not in self._inboxes:
                self._inboxes[name] = AsyncInbox(await asyncio.to_thread(self._open_inbox, name))
                self.on_inbox(name, self._inboxes[name])
            return self._inboxes[name]

    def _open_inbox(self, name: str) -> Inbox:
        chosen = [Chosen(self.session, sync) for sync in self.data_syncs() if sync.name == name]
        return open_inbox(self.ledger(), chosen)

    async def end_inboxes(self) -> None:
        """Wait for what the inboxes commit now, and close them."""
        for inbox in tuple(self._inboxes.values()):
            await inbox.__aexit__(None, None, None)
        if self.waker is not None:
            await self.waker.close()
            self.waker = None

    def close(self) -> None:
        """Take back that it is served; its ledger stays open for the others."""
        self.sign_off()


class Service(Struct):
    """One process that serves.

    Args:
        environments: those that are served, by name; replaced as a whole when manifests are read anew.
        broken: why others are not, by name.
        front: how the process is reached.
        holder: who runs it, for people.
        log: takes what happens.
        now: our clock.
        stopping: set once the process is to end.
        loops: when each loop last came round, by its name.
        tasks: what runs beside the requests.
        metrics: count.
        waits: what loops wait for, in words, by environment and loop.
        unwritten: environments whose ledgers did not take the last sign of life.
        access: how ledgers are reached; see `serve_these`.
        threads: in which loops run.
        slots: how many runs of data syncs are carried out at once.
        checks: how many drift checks are.
    """

    environments: Mapping[str, Served]
    broken: Mapping[str, ReconcilerError] = {}
    front: Front = field(default_factory=Front)
    holder: str = "serve"
    log: Log = field(default_factory=Log)
    now: Callable[[], datetime] = utc_now
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    loops: dict[str, datetime] = {}
    tasks: set[asyncio.Task[Any]] = set()
    metrics: Metrics = field(default_factory=Metrics)
    waits: dict[tuple[str, str], str] = {}
    unwritten: frozenset[str] = frozenset()
    access: SharedAccess = field(default_factory=SharedAccess)
    threads: Threads = field(default_factory=Threads)
    slots: Slots = field(default_factory=lambda: Slots(AT_ONCE))
    checks: Slots = field(default_factory=lambda: Slots(AT_ONCE))

    def __post_init__(self) -> None:
        """See `serve_these`."""
        self.serve_these(self.environments, self.broken)

    def serve_these(self, environments: Mapping[str, Served], broken: Mapping[str, ReconcilerError]) -> None:
        """Serve these environments from now on; all of them reach the ledger by the same connections."""
        for served in environments.values():
            served.share(self.access)
        self.environments, self.broken = environments, broken

    def waits_of(self, environment: str) -> tuple[str, ...]:
        """Return what the loops of an environment wait for, in words."""
        return tuple(words for (name, _), words in sorted(self.waits.items()) if name == environment)

    def served(self, name: str | None) -> Served | None:
        """Return an environment by its name; None takes the only one; None where there is no such one."""
        if name is None:
            return next(iter(self.environments.values())) if self.is_single else None
        return self.environments.get(name)

    @property
    def is_single(self) -> bool:
        """Whether one environment is meant, so that paths need not name it."""
        return len(self.environments) + len(self.broken) == 1

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something beside the requests until it ends or the process does; what it dies of is logged."""
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.log.say("task-failed", f"{task.get_name()} ended: {type(error).__name__}", level="error")
