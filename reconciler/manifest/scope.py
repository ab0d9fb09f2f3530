"""Scope of references in one run, and their values: variables, allowed environment variables, secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

from msgspec import field

from reconciler.errors import Place, UnresolvedReference
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.references import (
    ALLOW_ENV,
    OWN_LEDGER,
    READABLE,
    READABLE_HINT,
    Reference,
    is_forbidden,
    parse_at,
)
from reconciler.manifest.secret_sources import SECRET_SOURCES, SECRETS_DIR, SecretSource, without_final_newline
from reconciler.redacted import RedactedStruct

HOLE = "\0"  # which no manifest can hold
# Names that hold credentials by convention: their values belong into write-only fields only.
_SECRET_NAME = re.compile(r"SECRET|PASSW|TOKEN|API_?KEY|PRIVATE|CREDENTIAL|ACCESS_?KEY")
_URL_WITH_PASSWORD = re.compile(r"://[^/?#\s]*:[^/?#\s]*@")


class Scope(RedactedStruct, frozen=True):
    """Values for references, for one environment.

    A manifest comes from a pull request, so what it may reach is set outside it: RECONCILER_ALLOW_ENV in `environ`
    holds further names, exact or as globs, separated by commas or spaces.

    Args:
        variables: values of `${var:}`, as the Environment manifest has them.
        environ: the environment variables of this run.
        base: what relative paths count from: the parent of the manifests folder.
        sources: prefix of `${secret:PREFIX:NAME}` to what supplies its value.
    """

    redacted: ClassVar[tuple[str, ...]] = ("variables", "environ", "sources")

    variables: Mapping[str, str | bool | int | float]
    environ: Mapping[str, str]
    base: Path = Path()
    sources: Mapping[str, SecretSource] = field(default_factory=lambda: SECRET_SOURCES)

    @classmethod
    def of(cls, environment: EnvironmentManifest, environ: Mapping[str, str], base: Path = Path()) -> Scope:
        """Return the scope of an environment.

        Args:
            environment: the Environment manifest.
            environ: environment variables, e.g. `os.environ`.
            base: what relative paths count from: the parent of the manifests folder.
        """
        return cls(environment.spec.variables, with_secrets_folder(environ, base, environment.name), base)

    def text(self, text: str, place: Callable[[], Place], *, ledger: bool = False) -> str:
        """Return a text with its references resolved.

        Args:
            text: as the manifest has it.
            place: finds out where, for errors.
            ledger: whether it says where the ledger is, which may hold a password.

        Raises:
            UnresolvedReference: one has no value, or may not be reached.
        """
        parts = parse_at(text, place)
        return "".join(part if isinstance(part, str) else self.shown(part, place, ledger) for part in parts)

    def template(self, text: str, place: Callable[[], Place]) -> str:
        """Return a text with its references resolved, but for secrets: each leaves a `HOLE`.

        Raises:
            UnresolvedReference: another one has no value, or may not be reached.
        """
        filled: list[str] = []
        for part in parse_at(text, place):
            if isinstance(part, str):
                filled.append(part)
            elif part.source == "secret":
                filled.append(HOLE)
            else:
                filled.append(self.shown(part, place, ledger=False))
        return "".join(filled)

    def secret(self, text: str, place: Callable[[], Place]) -> str | None:
        """Return the value of a write-only field, or None where a reference in it has no value.

        Raises:
            UnresolvedReference: an `${env:}` or `${secret:}` in it may not be reached.
        """
        values: list[str] = []
        for part in parse_at(text, place):
            value = part if isinstance(part, str) else self._sealed(part, place)
            if value is None:
                return None
            values.append(value)
        return "".join(values)

    def _sealed(self, reference: Reference, place: Callable[[], Place]) -> str | None:
        if reference.source == "secret":
            if is_forbidden(reference):
                raise UnresolvedReference(
                    f"{reference} is a credential of reconciler or of the forge that runs it", place=place()
                )
            return without_final_newline(self.sources[reference.prefix](reference.name, self.environ))
        if reference.source == "env":
            self._refuse_name(reference, place)
            return self.environ.get(reference.name) or reference.default
        variable = self._variable(reference)
        return None if variable is None else self._without_variables().secret(variable, place)

    def shown(self, reference: Reference, place: Callable[[], Place], ledger: bool) -> str:
        """Return the value of a reference in a field that people see.

        Args:
            reference: which.
            place: finds out where, for errors.
            ledger: whether it says where the ledger is, which may hold a password.

        Raises:
            UnresolvedReference: it has no value, or may not be reached.
        """
        value: str | None = None
        if reference.source == "secret":
            raise UnresolvedReference(f"{reference} stands in a field that is not secret", place=place())
        if reference.source == "env":
            self._refuse_name(reference, place, (OWN_LEDGER,) if ledger else ())
            self._refuse_secret_name(reference, place)
            value = self.environ.get(reference.name) or reference.default
        else:
            variable = self._variable(reference)
            if variable is not None:
                value = self._without_variables().text(variable, place, ledger=ledger)
        if value is None:
            raise UnresolvedReference(f"{reference} has no value", place=place(), next_step=_how_to_set(reference))
        if not ledger and _URL_WITH_PASSWORD.search(value):
            raise UnresolvedReference(
                f"{reference} holds a URL with a password, which this field would show",
                place=place(),
                next_step="Keep the password in a write-only field, as ${secret:NAME}.",
            )
        return value

    def _variable(self, reference: Reference) -> str | None:
        if reference.name not in self.variables:
            return None
        value = self.variables[reference.name]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _without_variables(self) -> Scope:
        """A variable may hold ${env:…}; another variable in it would allow circles."""
        return Scope({}, self.environ, self.base, self.sources)

    def _refuse_name(self, reference: Reference, place: Callable[[], Place], more: tuple[str, ...] = ()) -> None:
        allowed = (*READABLE, *more, *self._allowed_beside())
        if not any(fnmatchcase(reference.name, pattern) for pattern in allowed):
            raise UnresolvedReference(
                f"manifests may not read the environment variable {reference.name}",
                place=place(),
                next_step=READABLE_HINT,
            )

    def _refuse_secret_name(self, reference: Reference, place: Callable[[], Place]) -> None:
        name = reference.name
        if is_credential(name) and name not in self._allowed_beside():
            raise UnresolvedReference(
                f"{reference} names a secret, and this field would show it",
                place=place(),
                next_step=f"Use ${{secret:{name}}} in a write-only field, or name {name} in {ALLOW_ENV}.",
            )

    def _allowed_beside(self) -> list[str]:
        return self.environ.get(ALLOW_ENV, "").replace(",", " ").split()


def with_secrets_folder(environ: Mapping[str, str], base: Path, environment: str | None = None) -> Mapping[str, str]:
    """Return environment variables in which the folder of secrets counts from a base, where it is relative.

    Where it has a folder of the environment's name, that one takes its place: an environment with secrets of its own
    sees no others, whatever its manifests name.

    Args:
        environ: environment variables.
        base: what a relative folder counts from.
        environment: its name; None: no environment is meant.
    """
    folder = environ.get(SECRETS_DIR)
    if not folder:
        return environ
    common = base / folder
    own = common if environment is None else common / environment
    return {**environ, SECRETS_DIR: str(own if own.is_dir() else common)}


def is_credential(name: str) -> bool:
    """Whether an environment variable holds a credential, by what it is called."""
    return _SECRET_NAME.search(name.upper()) is not None


def _how_to_set(reference: Reference) -> str:
    if reference.source == "env":
        return f"Set the environment variable {reference.name}, or write ${{env:{reference.name}:-default}}."
    return f"Add {reference.name} to spec.variables of the Environment."
