"""Credentials of a site: the Environment's, or those that SparkLayer handed over, which the ledger keeps sealed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from reconciler.errors import LedgerError, SecretUnset
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import LedgerUrl
from reconciler.manifest.connection import HANDED_OVER, Connection
from reconciler.reconcile.session import Session
from reconciler.secret import Secret

API = "sparklayer"


def with_handed_over(session: Session, environ: Mapping[str, str]) -> Session:
    """Return a session whose site is reached with what was handed over, where its Environment names no credentials."""
    connection = session.connections.get(API)
    if connection is None or not connection.is_handed_over:
        return session
    supplied = supplied_from(connection, session.name, session.settings.ledger, environ)
    return replace(session, connections={**session.connections, API: supplied})


def supplied_from(
    connection: Connection, environment: str, ledger: LedgerUrl, environ: Mapping[str, str]
) -> Connection:
    """Return a connection that asks the ledger for its credentials each time it is opened."""
    return replace(connection, supply=partial(_handed_over, connection, environment, ledger, environ))


def renewed_seal(session: Session, environ: Mapping[str, str]) -> str | None:
    """Seal what was handed over with the current key, where the previous one did; return what is wrong, for people.

    Raises:
        SecretUnset: there is no key, and the Environment names no credentials.
        LedgerError: the ledger cannot be used.
    """
    from reconciler.app.ignite.keys import Keyring
    from reconciler.ledger.writer import Ledger

    connection = session.connections.get(API)
    if connection is None or not connection.is_handed_over:
        return None
    keys, name, target = Keyring(environ), session.name, connection.live_side
    with Ledgers() as ledgers:
        found = ledgers.sealed_credentials(session.settings.ledger, name, target)
    if found is None or keys.is_current(name, target, found.sealed):
        return None
    try:
        secret = keys.open(name, target, found.sealed)
    except LedgerError as lost:
        return f"{lost.message}. {lost.next_step}"
    with Ledger.open(session.settings.ledger) as ledger:
        ledger.ignite.reseal(name, target, keys.seal(name, target, secret))
    return None


def _handed_over(
    connection: Connection, environment: str, ledger: LedgerUrl, environ: Mapping[str, str]
) -> tuple[str, Secret]:
    """Return client ID and secret that were handed over.

    Raises:
        SecretUnset: there are none, or there is no key.
        LedgerError: another key sealed them, or the ledger cannot be read.
    """
    from reconciler.app.ignite.keys import Keyring

    with Ledgers() as ledgers:
        found = ledgers.sealed_credentials(ledger, environment, connection.live_side)
    if found is None:
        raise SecretUnset(
            f"{environment}: there are no credentials for the site {connection.site_id}: SparkLayer handed over none, "
            "or disconnected it",
            place=connection.client_secret.place,
            next_step="Connect the site in SparkLayer's Dashboard while `reconciler serve` runs, or write clientID and "
            "clientSecret into the Environment. Meanwhile `--target KIND` plans and applies the kinds of OrderCloud.",
        )
    secret = Keyring(environ).open(environment, connection.live_side, found.sealed)
    return found.client_id, Secret(HANDED_OVER, lambda: secret, connection.client_secret.place)
