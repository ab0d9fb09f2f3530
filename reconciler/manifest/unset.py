"""References without a value, all of them: whoever sets one variable wants to know of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from reconciler.errors import Place, Problem, SecretUnset, SeveralUnset, UnresolvedReference
from reconciler.kind.kind import ManifestKinds
from reconciler.kind.semantics import SpecModel
from reconciler.ledger.url import OWN_URL
from reconciler.manifest.annotations import is_write_only
from reconciler.manifest.connection import SETTINGS
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.model import EnvironmentManifest, Manifest
from reconciler.manifest.positions import Locator, Path
from reconciler.manifest.references import Reference, parse_at, texts_of
from reconciler.manifest.scope import Scope
from reconciler.secret import UnusableSecret


def with_all_unset(
    first: UnresolvedReference,
    environment: EnvironmentManifest,
    manifests: Iterable[Manifest],
    kinds: ManifestKinds,
    scope: Scope,
    apis: Iterable[str],
) -> UnresolvedReference | SeveralUnset:
    """Return an error that names every reference that an environment needs and that has no value, or may not be read.

    Args:
        first: the one that was found.
        environment: the Environment; of it, what every run needs.
        manifests: those of the environment, patches merged.
        kinds: the registry.
        scope: where references resolve.
        apis: the providers that are logged in to.
    """
    found = list(_in_environment(environment, scope, apis))
    for manifest in manifests:
        found.extend(_in_texts(kinds[manifest.kind].spec, manifest.raw, manifest, scope))
    problems = {(each.message, each.place): each for each in found}
    return SeveralUnset(list(problems.values())) if len(problems) > 1 else first


def _in_environment(environment: EnvironmentManifest, scope: Scope, apis: Iterable[str]) -> Iterator[Problem]:
    names = (*apis, *SETTINGS, *(() if scope.environ.get(OWN_URL) else ("ledger",)))
    data = {name: environment.raw[name] for name in names if name in environment.raw}
    yield from _in_texts(EnvironmentSpec, data, environment, scope, with_secrets=True)


def _in_texts(
    model: type[SpecModel], data: Mapping[str, Any], locator: Locator, scope: Scope, *, with_secrets: bool = False
) -> Iterator[Problem]:
    for text in texts_of(data):
        if text.is_name:
            continue
        place = partial(locator.at, text.path)
        if is_write_only(model, text.path):
            if with_secrets:
                yield from _unset_secrets(text.text, scope, place)
            continue
        for part in parse_at(text.text, place):
            if isinstance(part, Reference) and part.source != "secret":
                yield from _unresolved(part, text.path, scope, place)


def _unresolved(part: Reference, path: Path, scope: Scope, place: Callable[[], Place]) -> Iterator[Problem]:
    try:
        scope.shown(part, place, ledger=path[0] == "ledger")
    except UnresolvedReference as error:
        yield Problem(error.code, error.message, error.place or place(), hint=error.next_step)


def _unset_secrets(text: str, scope: Scope, place: Callable[[], Place]) -> Iterator[Problem]:
    """Yield the secrets that no login is possible without."""
    try:
        lacks = "is not set" if scope.secret(text, place) is None else None
    except UnusableSecret as error:
        lacks = str(error)
    if lacks is not None:
        named = "".join(str(part) for part in parse_at(text, place) if isinstance(part, Reference))
        yield Problem(SecretUnset.code, f"{named} {lacks}", place(), hint="Set it in the environment of this run.")
