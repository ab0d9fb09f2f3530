"""Checks of `doctor`: login and roles, delivery targets, secrets, the ledger. It asks, and changes nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from enum import StrEnum
from itertools import chain
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ApiError, LedgerError, LoginRefused, SecretUnset, Unreachable
from reconciler.kind.connection import Reader
from reconciler.kind.kind import Kind
from reconciler.kind.probe import FIREWALL, UNKNOWN_HOST, Outcome, ProbePolicy, ProbeVerdict, obstacle
from reconciler.kind.semantics import semantics_by_path
from reconciler.ledger.url import LedgerUrl, durability
from reconciler.manifest.hosts import HostForm, hosts_of
from reconciler.reconcile.diff import secrets_in, value_at
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

CONNECT_SECONDS = 5.0
_PORTS = {"http": 80, "kafka": 9092}
_HTTPS = 443  # Azure's services, Event Hubs included, answer there whatever else they speak

ReadersFor = Callable[[frozenset[str]], AbstractAsyncContextManager[Mapping[str, Reader]]]
Connect = Callable[[str, int], Awaitable[tuple[Outcome, str] | None]]
PolicyFor = Callable[[str], ProbePolicy]
Probe = Callable[[Desired], Awaitable[Sequence[ProbeVerdict]]]


class Verdict(StrEnum):
    """Verdict of one check. A note is worth knowing and not wrong."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


# What cannot be known from here is no fault: the API connects from elsewhere.
_OF_OUTCOME = {Outcome.ANSWERS: Verdict.OK, Outcome.UNKNOWN: Verdict.NOTE, Outcome.REFUSES: Verdict.FAILED}


class Finding(Struct, frozen=True):
    """Finding of one check, and what to do about it; `outcome` is that of a probe."""

    area: Literal["access", "target", "secret", "ledger", "data", "forge"]
    subject: str
    verdict: Verdict
    message: str
    next_step: str | None = None
    outcome: Outcome | None = None


async def connect_to(host: str, port: int) -> tuple[Outcome, str] | None:
    """Open a TCP connection and close it again; nothing is sent. Return what went wrong, or None."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Outcome.UNKNOWN, f"no answer within {CONNECT_SECONDS:.0f} s"
    except socket.gaierror as error:
        if error.errno in UNKNOWN_HOST:
            return Outcome.REFUSES, "the host is not known"
        return Outcome.UNKNOWN, "its name cannot be looked up here"
    except UnicodeError:
        return Outcome.UNKNOWN, "its name cannot be looked up here"
    except ConnectionRefusedError:
        return Outcome.REFUSES, "the connection is refused"
    except OSError as error:
        # asyncio puts the address into its own words; it may come from a secret.
        return Outcome.UNKNOWN, os.strerror(error.errno) if error.errno else "no connection"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


async def examine(
    session: Session,
    readers_for: ReadersFor,
    environ: Mapping[str, str],
    policy_for: PolicyFor,
    connect: Connect = connect_to,
    probe: Probe | None = None,
) -> tuple[Finding, ...]:
    """Examine one environment.

    Args:
        session: the environment, its references resolved.
        readers_for: opens readers that log in for these kinds only, so that one missing role hides no other.
        environ: the process environment; it decides whether the ledger lasts.
        policy_for: returns what may be touched of what a provider sends to, whichever way it is tried.
        connect: tries a TCP connection.
        probe: probes what an object sends to; None: a TCP connection is all that is tried.
    """
    kinds = [
        kind
        for kind in session.kinds.values()
        if kind.api in session.connections and (kind.readable or kind.shown_in_part)
    ]
    access = await asyncio.gather(*(_access(kind, readers_for) for kind in kinds))
    if probe is None:
        targets = await asyncio.gather(*(_reach(place, policy_for(place.api), connect) for place in _places(session)))
    else:
        targets = list(chain.from_iterable(await asyncio.gather(*(_probed(each, probe) for each in session.desired))))
    summed_up = (
        _summed_up([item for kind, item in zip(kinds, access, strict=True) if kind.api == api])
        for api in dict.fromkeys(kind.api for kind in kinds)
    )
    return (
        *chain.from_iterable(summed_up),
        *targets,
        *_unset_secrets(session),
        _ledger(session.settings.ledger, environ),
    )


async def _access(kind: Kind[Any], readers_for: ReadersFor) -> Finding:
    subject = f"read {kind.name}"
    try:
        async with readers_for(frozenset({kind.name})) as readers:
            found = await kind.read(readers[kind.api])
    except (LoginRefused, Unreachable, SecretUnset) as error:
        return Finding("access", subject, Verdict.FAILED, error.message, error.next_step)
    except ApiError as error:
        step = error.next_step or (f"Give the API client the role {kind.role}." if kind.role else None)
        return Finding("access", subject, Verdict.FAILED, error.message, step)
    return Finding("access", subject, Verdict.OK, f"logged in, {kind.access_words(found)}")


def _summed_up(access: Sequence[Finding]) -> Sequence[Finding]:
    """Say once what failed in the same way for every kind: that is the login, not a role."""
    first = access[0] if access else None
    same = first is not None and all(finding.message == first.message for finding in access)
    if first is None or first.verdict is Verdict.OK or not same:
        return access
    return (replace(first, subject="log in"),)


class _Place(RedactedStruct, frozen=True):
    """One value that points at a host. That of a secret is never shown, nor any part of it."""

    redacted: ClassVar[tuple[str, ...]] = ("value",)

    subject: str
    api: str
    value: str
    form: HostForm
    secret: bool


def _places(session: Session) -> Iterator[_Place]:
    """Yield what points at a host, as far as it is set here."""
    for desired in session.desired:
        if desired.absent:
            continue
        for path, semantics in semantics_by_path(session.kinds[desired.kind].spec).items():
            value = value_at(desired.state, path) if semantics.host else None
            text = value.value if isinstance(value, Secret) else value
            if semantics.host and isinstance(text, str):
                api = session.kinds[desired.kind].api
                yield _Place(f"{desired.key} {path}", api, text, semantics.host, isinstance(value, Secret))


def addresses_of(value: str, form: HostForm) -> tuple[tuple[str, int], ...] | None:
    """Return host and port of all that a value points at, or None where it cannot be parsed."""
    hosts = hosts_of(value, form)
    if hosts is None:
        return None
    if form == "connection-string":
        return tuple((host, _HTTPS) for host in hosts)
    texts = [value] if form == "url" else [text.strip() for text in value.split(",")]
    urls = [urlsplit(text if "://" in text else f"kafka://{text}") for text in texts]
    return tuple((str(url.hostname), url.port or _PORTS.get(url.scheme, _HTTPS)) for url in urls)


async def _reach(place: _Place, policy: ProbePolicy, connect: Connect) -> Finding:
    """Try the hosts that a delivery target points at, as far as any probe may touch them."""
    addresses = addresses_of(place.value, place.form)
    if addresses is None:
        return _reached(place, Outcome.REFUSES, "not tried: it points at no host", "Mend the value.")
    for found in (obstacle(host, policy) for host, _ in addresses):
        if found is not None:
            return _reached(place, found.outcome, found.message, found.next_step)
    for host, port in addresses:
        failure = await connect(host, port)
        if failure is not None:
            outcome, words = failure
            where = "" if place.secret else f"{host}:{port}: "
            return _reached(place, Outcome.UNKNOWN if policy.proxied else outcome, f"{where}{words}", FIREWALL)
    return _reached(place, Outcome.ANSWERS, "it takes a connection")


def _reached(place: _Place, outcome: Outcome, message: str, step: str | None = None) -> Finding:
    return Finding("target", place.subject, _OF_OUTCOME[outcome], f"{outcome.value}: {message}", step, outcome)


async def _probed(desired: Desired, probe: Probe) -> list[Finding]:
    return [
        Finding(
            "target",
            f"{desired.key} {found.target}",
            _OF_OUTCOME[found.outcome],
            f"{found.outcome.value}: {found.message}",
            found.next_step,
            found.outcome,
        )
        for found in await probe(desired)
    ]


def _unset_secrets(session: Session) -> Iterator[Finding]:
    for desired in session.desired:
        for path, secret in secrets_in(desired.state):
            if not secret.is_set:
                words = f"{secret.reference} {secret.lacks} here"
                step = "Set it where `apply` runs; until it has to be sent, nothing else needs it."
                yield Finding("secret", f"{desired.key} {path}", Verdict.NOTE, words, step)


def _ledger(url: LedgerUrl, environ: Mapping[str, str]) -> Finding:
    try:
        found = durability(url, environ)
    except LedgerError as error:
        return Finding("ledger", "ledger", Verdict.FAILED, error.message, error.next_step)
    if found.durable:
        return Finding("ledger", "ledger", Verdict.OK, found.reason)
    step = "Keep the file between jobs, or set RECONCILER_LEDGER to a place that lasts."
    return Finding("ledger", "ledger", Verdict.FAILED, found.reason, step)
