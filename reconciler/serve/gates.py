"""Gates of deliveries: what a message over HTTP has to show, as the DeliveryConfig declares that points here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.errors import ManifestErrors, Problem
from reconciler.manifest.connection import Service as Section
from reconciler.manifest.service import Deliveries
from reconciler.ordercloud.deliveries.signature import is_signed
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.secret import Secret, unset_secret
from reconciler.serve.auth import is_one_of
from reconciler.words import parse_duration

_CONFIG = "DeliveryConfig"
PREFIX = "deliveries"


class Gate(Struct, frozen=True):
    """What one DeliveryConfig sends along: a signature, a header, or both.

    Args:
        secrets: any of them may have signed; none: no signature is looked for.
        header: name of the header; None: none is looked for.
        values: any of them may be its value.
    """

    secrets: tuple[Secret, ...] = ()
    header: str | None = None
    values: tuple[Secret, ...] = ()

    def lets_through(self, body: bytes, signature: str | None, header: Callable[[str], str | None]) -> bool:
        """Whether a message shows all that is looked for; what it took to find out says nothing.

        Args:
            body: the raw bytes.
            signature: as it was sent.
            header: returns the value of a header by its name.
        """
        found = bool(self.secrets or self.header)
        if self.secrets:
            found &= is_signed(body, signature, [secret.value or "" for secret in self.secrets])
        if self.header is not None:
            found &= is_one_of(header(self.header), self.values)
        return found


class Door(Struct, frozen=True):
    """Where messages for a DataSync come in over HTTP.

    Args:
        gates: a message has to pass one of them.
        longest: how many bytes a body has at most.
        seconds: within which all of it is here.
    """

    gates: tuple[Gate, ...]
    longest: int
    seconds: float

    def lets_through(self, body: bytes, signature: str | None, header: Callable[[str], str | None]) -> bool:
        """Whether a message passes one of the gates; each is asked. See `Gate.lets_through`."""
        shown = [gate.lets_through(body, signature, header) for gate in self.gates]
        return any(shown)


def doors_of(session: Session, section: Section) -> Mapping[str, Door]:
    """Return where messages come in, by the name of the DataSync.

    Raises:
        ManifestErrors: see `gates_of`.
    """
    return {
        each.data_sync: Door(
            gates_of(session, section, each.data_sync), each.max_body, parse_duration(each.timeout).total_seconds()
        )
        for each in section.settings.deliveries
    }


def gates_of(session: Session, section: Section, name: str) -> tuple[Gate, ...]:
    """Return the gates of a DataSync's deliveries: a message has to pass one of them.

    Args:
        session: the environment.
        section: its spec.service.
        name: of the DataSync.

    Raises:
        ManifestErrors: nothing says how a message shows that it is OrderCloud's, or a secret is not set.
    """
    number, deliveries = next(
        (number, each) for number, each in enumerate(section.settings.deliveries) if each.data_sync == name
    )
    path = ("deliveries", number)
    gates = tuple(_gates(session, section, deliveries, path))
    if not gates:
        raise ManifestErrors(
            [
                Problem(
                    "bad-value",
                    f"Environment {session.name}: nothing says how deliveries for {name} show who sends them",
                    section.place(path),
                    hint=f"Add secrets or headerName, or a {_CONFIG} whose http.endpoint ends in /{PREFIX}/{name}.",
                )
            ]
        )
    secrets = [secret for gate in gates for secret in (*gate.secrets, *gate.values)]
    unset = [unset_secret(secret, "The service") for secret in secrets if not secret.is_set]
    if unset:
        raise ManifestErrors(list(dict.fromkeys(unset)))
    return gates


def _gates(session: Session, section: Section, deliveries: Deliveries, path: tuple[str | int, ...]) -> Iterator[Gate]:
    own = section.secrets(*path, "secrets")
    values = section.secrets(*path, "headerValues")
    targets = list(_targets(session.desired, session.name, deliveries.data_sync))
    for target in targets:
        declared = target.get("customAuthHeaderName")
        value = target.get("customAuthHeaderValue")
        yield Gate(
            own or _secrets(target.get("secret")),
            deliveries.header_name or declared,
            values or _secrets(value) if deliveries.header_name or declared else (),
        )
    if not targets and (own or deliveries.header_name):
        yield Gate(own, deliveries.header_name, values)


def _secrets(value: object) -> tuple[Secret, ...]:
    return (value,) if isinstance(value, Secret) else ()


def _targets(desired: Sequence[Desired], environment: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the HTTP targets that point here, by the path of their endpoint: proxies may change all before it."""
    ends = (f"/{PREFIX}/{name}", f"/{environment}/{PREFIX}/{name}")
    for item in desired:
        if item.kind != _CONFIG or item.absent:
            continue
        target = (item.state.get("deliveryTargets") or {}).get("http")
        if target is None:
            continue
        endpoint = target["endpoint"]
        text = endpoint.shown if isinstance(endpoint, Secret) else endpoint
        if urlsplit(text or "").path.rstrip("/").endswith(ends):
            yield target
