"""From the shared options to what a command works on: validated manifests, and one session per environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.errors import ManifestErrors, ReconcilerError, UsageError
from reconciler.kind.connection import Reader
from reconciler.manifest.connection import Connection, Settings, resolve_connection, resolve_settings
from reconciler.manifest.files import base_of
from reconciler.manifest.load import Loaded, gc_paused, load
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import IDLE_PATCH, named_environment, select
from reconciler.manifest.validate import validate
from reconciler.reconcile.session import Session, open_session
from reconciler.registry import kinds, open_reader, open_writer

if TYPE_CHECKING:
    from reconciler.http.client import HttpWriter
    from reconciler.http.connections import Connections

_Result = TypeVar("_Result")
AT_ONCE = 20
ALL = "all"
# A guardrail judges it in the plan, where one run can override it.
_JUDGED_BY_PLAN = "literal-secret"


def load_valid(options: Options, *, environment: str | None = None, idle_patches: bool = False) -> Loaded:
    """Load the manifests and stop at anything that is wrong with them, or in an environment that is asked for.

    Args:
        options: the shared options.
        environment: the one that is meant; None: those of the options.
        idle_patches: whether patches may be there before the manifests that they change.

    Raises:
        LoadError: the folder is missing, unreadable or empty.
        ManifestErrors: every such problem.
    """
    loaded = load(options.manifests, kinds())
    names = (environment,) if environment is not None else environment_names(options, loaded)
    found = validate(loaded, kinds(), [name for name in names if name is not None] or None)
    let_through = {_JUDGED_BY_PLAN, IDLE_PATCH} if idle_patches else {_JUDGED_BY_PLAN}
    problems = [problem for problem in found.problems if problem.code not in let_through]
    if problems:
        raise ManifestErrors(problems)
    return loaded


def environment_names(options: Options, loaded: Loaded) -> tuple[str | None, ...]:
    """Return the environments asked for; None stands for the only one there is."""
    if ALL in options.environments:
        return tuple(sorted(environment.name for environment in loaded.environments))
    return tuple(dict.fromkeys(options.environments)) or (None,)


def open_sessions(options: Options, now: datetime) -> tuple[tuple[Session, ...], tuple[ReconcilerError, ...]]:
    """Return a session for each environment asked for, in that order; of several, the errors of those that have none.

    Raises:
        ReconcilerError: the manifests, or the only environment, are not as they have to be.
    """
    sessions: list[Session] = []
    failures: list[ReconcilerError] = []
    with gc_paused():
        loaded = load_valid(options)
        selections = [select(loaded, name, kinds()) for name in environment_names(options, loaded)]
        for selected in selections:
            try:
                sessions.append(open_session(selected, kinds(), os.environ, now))
            except ReconcilerError as error:
                if len(selections) == 1:
                    raise
                failures.append(error)
    return tuple(sessions), tuple(failures)


def open_one(options: Options, now: datetime, *, environment: str | None = None, idle_patches: bool = False) -> Session:
    """Return the session of the one environment that a command works on.

    Args:
        options: the shared options.
        now: the run's clock.
        environment: the environment that a saved plan is for, taken where none is named.
        idle_patches: whether patches may be there before the manifests that they change.

    Raises:
        UsageError: several are named.
        ReconcilerError: manifests, environment or references are not as they have to be.
    """
    name = _only_name(options) or environment
    loaded = load_valid(options, environment=name, idle_patches=idle_patches)
    selected = select(loaded, name, kinds(), idle_patches=idle_patches)
    return open_session(selected, kinds(), os.environ, now)


def _only_name(options: Options) -> str | None:
    if len(options.environments) > 1 or ALL in options.environments:
        raise UsageError("this command works on one environment", next_step="Name one with -e/--environment.")
    return options.environments[0] if options.environments else None


def environment_settings(options: Options) -> Settings:
    """Return the settings of one environment, for commands that care for its ledger.

    They have to work when manifests are wrong and credentials are not at hand, so only the Environment is looked at.

    Raises:
        UsageError: several environments, and not one is named.
        ReconcilerError: the Environment cannot be read.
    """
    environment = _environment(options)
    return resolve_settings(environment, Scope.of(environment, os.environ, base_of(options.manifests)))


def environment_connection(options: Options, api: str) -> Connection:
    """Return how one environment reaches one API, for commands that need no manifests beside it.

    Raises:
        UsageError: several environments, and not one is named.
        ReconcilerError: the Environment cannot be read, or does not say how to reach the API.
    """
    environment = _environment(options)
    return resolve_connection(environment, Scope.of(environment, os.environ, base_of(options.manifests)), api)


def _environment(options: Options) -> EnvironmentManifest:
    loaded = load(options.manifests, kinds())
    if not loaded.environments and loaded.problems:
        raise ManifestErrors(loaded.problems)
    return named_environment(loaded, _only_name(options))


def utc_now() -> datetime:
    """Return the time of this run, timezone-aware."""
    return datetime.now(UTC)


@asynccontextmanager
async def readers(
    session: Session,
    targets: Sequence[str] | frozenset[str],
    listener: Listener,
    *,
    token_cache: bool = True,
    connections: Connections | None = None,
) -> AsyncIterator[dict[str, Reader]]:
    """Open a reader for each API of a session, asking for the roles that these targets take."""
    async with AsyncExitStack() as stack:
        yield {
            api: await stack.enter_async_context(
                open_reader(
                    connection,
                    session.scopes(api, targets),
                    token_cache=token_cache,
                    observer=listener,
                    connections=connections,
                )
            )
            for api, connection in session.connections.items()
            if api in session.apis_read(targets)
        }


@asynccontextmanager
async def writers(
    session: Session, targets: Sequence[str] | frozenset[str], listener: Listener, *, token_cache: bool = True
) -> AsyncIterator[dict[str, HttpWriter]]:
    """Open a writer for each API of a session; see `readers`."""
    async with AsyncExitStack() as stack:
        yield {
            api: await stack.enter_async_context(
                open_writer(connection, session.scopes(api, targets), token_cache=token_cache, observer=listener)
            )
            for api, connection in session.connections.items()
            if api in session.apis_read(targets)
        }


async def for_each(
    sessions: Sequence[Session], work: Callable[[Session], Awaitable[_Result]]
) -> list[_Result | ReconcilerError]:
    """Work on several environments, at most 20 at a time; one that fails does not stop the others."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(session: Session) -> _Result | ReconcilerError:
        async with places:
            try:
                return await work(session)
            except ReconcilerError as error:
                return error

    return list(await asyncio.gather(*(one(session) for session in sessions)))
