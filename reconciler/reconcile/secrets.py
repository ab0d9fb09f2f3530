"""Secrets that have to be sent although live cannot show them. Pure; the hashing is the ledger's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from reconciler.kind.kind import Kinds, Observed
from reconciler.kind.semantics import State
from reconciler.ledger.config.model import Memory
from reconciler.ledger.config.secret_fingerprint import matches
from reconciler.reconcile.diff import covers, secrets_in, value_at
from reconciler.reconcile.work import Desired
from reconciler.secret import Secret

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WINDOW = re.compile(r"^(?P<day>[A-Za-z]+) (?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])$")


class SecretStatus(Struct, frozen=True):
    """Status of an object's secrets: which are to be sent, and which cannot be compared.

    `moved` have to be sent: another value than the one last applied, one that goes, a restore, or --push-secrets.
    `unknown` were never applied from this ledger, or before the last restore; `unset` have no value here.
    """

    moved: frozenset[str] = frozenset()
    restored: bool = False
    unknown: tuple[tuple[str, Secret], ...] = ()
    unset: tuple[tuple[str, Secret], ...] = ()


def secret_status(
    desired: Desired,
    observed: Observed,
    secrets: Sequence[tuple[str, Secret]],
    memory: Memory,
    api_url: str,
    *,
    write_only: frozenset[str],
    readable: bool = True,
    restored_at: datetime | None,
    push_secrets: bool,
    at_apply: bool = False,
) -> SecretStatus:
    """Compare the secrets of a live object with what the ledger remembers of them.

    Args:
        desired: the object.
        observed: the live object; memory is keyed by its ID.
        secrets: of the object, by path, resolved lazily.
        memory: fingerprints and their salt.
        api_url: base URL of the connection, part of the memory's keys.
        write_only: every write-only path of the kind's spec.
        readable: whether live shows the object; where not, no value of it can be compared with live.
        restored_at: fingerprints from before this moment count as unknown, and are pushed.
        push_secrets: treat every secret that is set as moved.
        at_apply: whether secrets that are not set here are there when it is applied; what needs no value is told.
    """
    moved: set[str] = set()
    unknown: list[tuple[str, Secret]] = []
    unset: list[tuple[str, Secret]] = []
    restored = False
    held = dict(secrets)
    for path, secret in held.items():
        if covers(desired.ignore, path) or not _has_parent(observed.state, path):
            continue  # left to others, or created together with its parent
        shows = secret.shown is not None and readable  # live shows it, so it is compared itself
        if not secret.is_set and (shows or not at_apply):
            unset.append((path, secret))
            continue
        if shows:
            continue
        if push_secrets:
            moved.add(path)
            continue
        fingerprint = memory.fingerprints.get((api_url, desired.kind, observed.id, path))
        if fingerprint is None and not readable and value_at(observed.state, path) is None:
            moved.add(path)
        elif fingerprint is None:
            unknown.append((path, secret))
        elif restored_at is not None and fingerprint.applied_at < restored_at:
            moved.add(path)
            restored = True
        elif not secret.is_set:
            unset.append((path, secret))
        elif not matches(
            fingerprint.digest,
            memory.salt,
            secret.reveal(),
            api_url=api_url,
            kind=desired.kind,
            live_id=observed.id,
            path=path,
        ):
            moved.add(path)
    for path in write_only - held.keys() if memory.fingerprints else ():
        gone = (api_url, desired.kind, observed.id, path) in memory.fingerprints
        if gone and not covers(desired.ignore, path) and _has_parent(desired.state, path):
            moved.add(path)
    return SecretStatus(frozenset(moved), restored, tuple(unknown), tuple(unset))


def compared_secrets(
    desired: Iterable[Desired], kinds: Kinds, connections: Mapping[str, str], memory: Memory
) -> Iterator[str]:
    """Yield the values that `secret_status` compares with a fingerprint, before live is known; some may not be.

    Args:
        desired: the objects.
        kinds: the registry.
        connections: base URL by provider.
        memory: fingerprints.
    """
    for item in desired if memory.fingerprints else ():
        kind = kinds[item.kind]
        for path, secret in () if item.absent else secrets_in(item.state):
            places = ((connections[kind.api], kind.name, live_id, path) for live_id in (item.id, *item.renamed_from))
            shows = secret.shown is not None and kind.readable
            if not shows and any(place in memory.fingerprints for place in places) and secret.value is not None:
                yield secret.value


def _has_parent(state: State, path: str) -> bool:
    parent = path.rpartition(".")[0]
    return not parent or value_at(state, parent) is not None


def last_restore(window: str, now: datetime) -> datetime:
    """Return when OrderCloud last overwrote staging from production: the latest moment of a weekly window.

    Documented is every Sunday 03:00 UTC. The window is written such as `Sunday 03:00`, and the moment is not after
    `now`.

    Raises:
        ValueError: the window is not a weekday and a time.
    """
    match = _WINDOW.match(window)
    if match is None or match["day"].lower() not in _DAYS:
        raise ValueError("expected a weekday and a time (UTC), such as Sunday 03:00")
    now = now.astimezone(UTC)
    moment = now.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0, microsecond=0)
    moment -= timedelta(days=(now.weekday() - _DAYS.index(match["day"].lower())) % 7)
    return moment if moment <= now else moment - timedelta(days=7)
