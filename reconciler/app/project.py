"""A folder of manifests and the environments that are meant: validated, and one session per environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.errors import ManifestErrors, Problem, ReconcilerError, UsageError
from reconciler.manifest.files import base_of, unread
from reconciler.manifest.limits import MAX_PROBLEMS
from reconciler.manifest.load import Loaded, gc_paused, load
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import IDLE_PATCH, Selected, named_environment, select
from reconciler.manifest.validate import Validation, validate
from reconciler.registry import kinds, manifest_kinds, request_kinds

if TYPE_CHECKING:  # `validate` opens no session, and so needs neither ledger nor event loop
    from reconciler.ledger.url import LedgerUrl
    from reconciler.manifest.connection import Connection, Settings
    from reconciler.reconcile.session import Session

ALL = "all"
# A guardrail judges the one in the plan, where one run can override it; policies judge what references stand for.
_JUDGED_BY_PLAN = {"literal-secret", "policy-breach", "policy-too-slow"}


class Project(Struct, frozen=True):
    """A folder of manifests, and the environments that a use case is about.

    Args:
        manifests: the folder.
        environments: their names; empty: the only one there is; `all`: every one.
        environ: the environment variables that references are resolved with.
    """

    manifests: Path = Path("manifests")
    environments: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def check(self) -> tuple[Loaded, Validation]:
        """Load all manifests and find everything that is wrong with them, and what looks like one and is not read.

        Raises:
            LoadError: the folder is missing, unreadable or empty.
        """
        with gc_paused():
            loaded = load(self.manifests, manifest_kinds())
            found = validate(loaded, manifest_kinds())
        return loaded, replace(found, warnings=(*found.warnings, *islice(unread(self.manifests), MAX_PROBLEMS)))

    def load(self, *, environment: str | None = None, idle_patches: bool = False) -> Loaded:
        """Load the manifests and stop at anything that is wrong with them, or in an environment that is meant.

        Args:
            environment: the one that is meant; None: those of the project.
            idle_patches: whether patches may be there before the manifests that they change.

        Raises:
            LoadError: the folder is missing, unreadable or empty.
            ManifestErrors: every such problem.
        """
        loaded = load(self.manifests, manifest_kinds())
        names = (environment,) if environment is not None else self._names(loaded)
        let_through = {*_JUDGED_BY_PLAN, IDLE_PATCH} if idle_patches else _JUDGED_BY_PLAN
        problems = self._problems(loaded, [name for name in names if name is not None] or None, let_through)
        if problems:
            raise ManifestErrors(problems)
        return loaded

    def sessions(self, now: datetime) -> tuple[tuple[Session, ...], tuple[ReconcilerError, ...]]:
        """Open a session for each environment; of several, return the errors of those that have none.

        Raises:
            ReconcilerError: the manifests, or the only environment, are not as they have to be.
        """
        sessions: list[Session] = []
        failures: list[ReconcilerError] = []
        with gc_paused():
            loaded = self.load()
            selections = [select(loaded, name, manifest_kinds()) for name in self._names(loaded)]
            for selected in selections:
                try:
                    sessions.append(self._open(selected, now))
                except ReconcilerError as error:
                    if len(selections) == 1:
                        raise
                    failures.append(error)
        return tuple(sessions), tuple(failures)

    def session(self, now: datetime, *, environment: str | None = None, idle_patches: bool = False) -> Session:
        """Open the session of the one environment that a use case works on.

        Args:
            now: the run's clock.
            environment: the environment that a saved plan is for, taken where the project names none.
            idle_patches: whether patches may be there before the manifests that they change.

        Raises:
            UsageError: the project names several.
            ReconcilerError: manifests, environment or references are not as they have to be.
        """
        name = self._only_name() or environment
        loaded = self.load(environment=name, idle_patches=idle_patches)
        selected = select(loaded, name, manifest_kinds(), idle_patches=idle_patches)
        return self._open(selected, now)

    def _open(self, selected: Selected, now: datetime) -> Session:
        from reconciler.app.ignite.credentials import with_handed_over
        from reconciler.reconcile.session import open_session

        return with_handed_over(open_session(selected, kinds(), self.environ, now, request_kinds()), self.environ)

    def openers(self) -> dict[str, Callable[[datetime], Session] | ReconcilerError]:
        """Load the manifests once, and return by environment what opens a session of it again and again.

        Whatever happens to the files meanwhile, each session is of the manifests as they are now. Of an environment
        that is not as it has to be, why.

        Raises:
            LoadError: the folder is missing, unreadable or empty.
            UsageError: there is no environment of such a name, or more than one and none is named.
            ManifestErrors: none could be read.
        """
        loaded = load(self.manifests, manifest_kinds())
        if not loaded.environments and loaded.problems:
            raise ManifestErrors(loaded.problems)
        names = [named_environment(loaded, name).name for name in self._names(loaded)]
        # One look at all of them finds whether anything is wrong; only then, which of them it is wrong in.
        all_right = not self._problems(loaded, names)
        return {name: self._opener(loaded, name, checked=all_right) for name in names}

    def _opener(self, loaded: Loaded, name: str, *, checked: bool) -> Callable[[datetime], Session] | ReconcilerError:
        if not checked and (problems := self._problems(loaded, [name])):
            return ManifestErrors(problems)
        try:
            selected = select(loaded, name, manifest_kinds())
        except ReconcilerError as error:
            return error
        return lambda now: self._open(selected, now)

    def _problems(
        self, loaded: Loaded, names: Sequence[str] | None, let_through: Collection[str] = _JUDGED_BY_PLAN
    ) -> list[Problem]:
        found = validate(loaded, manifest_kinds(), names)
        return [problem for problem in found.problems if problem.code not in let_through]

    def settings(self) -> Settings:
        """Resolve the settings of one environment, for whoever cares for its ledger.

        That has to work when manifests are wrong and credentials are not at hand, so only the Environment is looked at.

        Raises:
            UsageError: several environments, and not one is named.
            ReconcilerError: the Environment cannot be read.
        """
        from reconciler.manifest.connection import resolve_settings

        environment = self._environment()
        return resolve_settings(environment, Scope.of(environment, self.environ, base_of(self.manifests)))

    def settings_of_each(self) -> dict[str, Settings]:
        """Resolve the settings of each environment that is meant, by its name; see `settings`.

        Raises:
            ReconcilerError: an Environment cannot be read.
        """
        from reconciler.manifest.connection import resolve_settings

        loaded = load(self.manifests, manifest_kinds())
        if not loaded.environments and loaded.problems:
            raise ManifestErrors(loaded.problems)
        found = [named_environment(loaded, name) for name in self._names(loaded)]
        base = base_of(self.manifests)
        return {each.name: resolve_settings(each, Scope.of(each, self.environ, base)) for each in found}

    def name(self) -> str:
        """Return the name of the one environment that a use case works on; see `settings`."""
        return self._environment().name

    def ledger_at(self, place: str) -> LedgerUrl:
        """Return the ledger that somebody names on the command line: a URL, or `env:NAME` for one in the environment.

        Raises:
            UsageError: there is no such variable.
            LedgerError: it names no ledger.
        """
        from reconciler.ledger.url import parse

        named, is_variable, variable = place.partition("env:")
        if is_variable and not named and not (place := self.environ.get(variable, "")):
            raise UsageError(f"the environment variable {variable} is not set", next_step="Set it to a ledger URL.")
        return parse(place, base=base_of(self.manifests), environ=self.environ)

    def connection(self, api: str) -> Connection:
        """Resolve how one environment reaches one API, for use cases that need no manifests beside it.

        Raises:
            UsageError: several environments, and not one is named.
            ReconcilerError: the Environment cannot be read, or does not say how to reach the API.
        """
        from reconciler.app.ignite.credentials import supplied_from
        from reconciler.manifest.connection import resolve_connection, resolve_settings

        environment = self._environment()
        scope = Scope.of(environment, self.environ, base_of(self.manifests))
        found = resolve_connection(environment, scope, api)
        if not found.is_handed_over:
            return found
        ledger = resolve_settings(environment, scope).ledger
        return supplied_from(found, environment.name, ledger, self.environ)

    def _environment(self) -> EnvironmentManifest:
        loaded = load(self.manifests, manifest_kinds())
        if not loaded.environments and loaded.problems:
            raise ManifestErrors(loaded.problems)
        return named_environment(loaded, self._only_name())

    def _names(self, loaded: Loaded) -> tuple[str | None, ...]:
        """Return the environments that are meant; None stands for the only one there is."""
        if ALL in self.environments:
            return tuple(sorted(environment.name for environment in loaded.environments))
        return tuple(dict.fromkeys(self.environments)) or (None,)

    def _only_name(self) -> str | None:
        if len(self.environments) > 1 or ALL in self.environments:
            raise UsageError("this command works on one environment", next_step="Name one with -e/--environment.")
        return self.environments[0] if self.environments else None
