"""Work out what an environment needs of its pipelines: variables, and secrets for access and for targets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.errors import ManifestErrors
from reconciler.hosts import is_loopback
from reconciler.kind.kind import ManifestKinds
from reconciler.manifest.load import Loaded
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.references import OWN_LEDGER, BadReference, Reference, parse_text, texts_of
from reconciler.manifest.select import patched

_OURS = frozenset({OWN_LEDGER, "EMULATOR"})
# What these refer to is needed to plan; what variables and manifests refer to, to send.
_TO_PLAN = ("ordercloud", "sparklayer", "ledger")


class Needs(Struct, frozen=True):
    """What one environment needs.

    Args:
        name: of the environment.
        variables: environment variables that may be seen, such as OC_CLIENT_ID.
        access: names of the secrets that plan and drift log in with.
        targets: names of the secrets that only apply sends.
        elsewhere: secrets of other sources, as manifests write them, such as `${secret:file:KEY}`.
        emulated: whether it is the emulator, which a job starts for itself.
    """

    name: str
    variables: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    emulated: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret by its name, those for access first."""
        return (*self.access, *self.targets)


def needs_of(loaded: Loaded, kinds: ManifestKinds) -> tuple[Needs, ...]:
    """Return what each environment of a folder needs, by name.

    Raises:
        ManifestErrors: an Environment's patches do not fit.
    """
    return tuple(_of(loaded, one, kinds) for one in sorted(loaded.environments, key=lambda one: one.name))


def _of(loaded: Loaded, environment: EnvironmentManifest, kinds: ManifestKinds) -> Needs:
    manifests, problems = patched(loaded, environment, kinds)
    if problems:
        raise ManifestErrors(problems)
    own = {name: environment.raw[name] for name in _TO_PLAN if name in environment.raw}
    to_plan = list(_references(own))
    sent = ({"variables": environment.raw.get("variables")}, *(manifest.raw for manifest in manifests))
    to_send = [found for each in sent for found in _references(each)]
    access = _secrets(to_plan)
    return Needs(
        environment.name,
        _unique(one.name for one in (*to_plan, *to_send) if one.source == "env" and one.name not in _OURS),
        access,
        tuple(name for name in _secrets(to_send) if name not in access),
        _unique(str(one) for one in (*to_plan, *to_send) if one.source == "secret" and one.prefix),
        _is_emulator(environment.raw),
    )


def _references(data: Mapping[str, Any]) -> Iterator[Reference]:
    for text in texts_of(data):
        try:
            parts = parse_text(text.text)
        except BadReference:
            continue  # validate tells it
        yield from (part for part in parts if isinstance(part, Reference))


def _secrets(found: Iterable[Reference]) -> tuple[str, ...]:
    return _unique(one.name for one in found if one.source == "secret" and not one.prefix)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _is_emulator(raw: Mapping[str, Any]) -> bool:
    """Whether OrderCloud is on this very machine, as far as the manifest says it without variables of the run."""
    connection = raw.get("ordercloud")
    url = connection.get("apiUrl") if isinstance(connection, Mapping) else None
    if not isinstance(url, str):
        return False
    try:
        parts = parse_text(url)
    except BadReference:
        return False
    plain = "".join(part if isinstance(part, str) else part.default or "" for part in parts)
    host = urlsplit(plain).hostname
    return host is not None and is_loopback(host)
