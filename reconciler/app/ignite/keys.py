"""Keys that seal what SparkLayer hands over. They come from the environment of the process, and no ledger has them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.errors import LedgerError, MissingExtra, SecretUnset

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY = "RECONCILER_IGNITE_KEY"
PREVIOUS = "RECONCILER_IGNITE_KEY_PREVIOUS"
_BYTES = 32
_MAKE = "`openssl rand -base64 32` makes one"


class Keyring:
    """Seals and opens credentials, each for one site of one environment: elsewhere in a ledger they open for nobody.

    Args:
        environ: has the key, and during a rotation the previous one.

    Raises:
        SecretUnset: there is no key, or it is none.
        MissingExtra: what seals is not installed.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ImportError:
            raise MissingExtra("What seals the credentials that SparkLayer hands over", "serve") from None
        current = environ.get(KEY, "")
        if not current:
            raise SecretUnset(f"{KEY} is not set, and seals what SparkLayer hands over", next_step=f"Set it: {_MAKE}.")
        self._current = MultiFernet([Fernet(_key(current, KEY))])
        previous = environ.get(PREVIOUS, "")
        names = ((current, KEY), (previous, PREVIOUS)) if previous else ((current, KEY),)
        self._all = MultiFernet([Fernet(_key(text, name)) for text, name in names])

    def seal(self, environment: str, target: str, secret: str) -> str:
        """Return a client secret as the ledger keeps it."""
        about = {"environment": environment, "target": target, "secret": secret}
        return self._current.encrypt(json.dumps(about).encode()).decode()

    def open(self, environment: str, target: str, sealed: str) -> str:
        """Return the client secret of a site; never print it.

        Raises:
            LedgerError: another key sealed it, or it was of another site.
        """
        return self._open(self._all, environment, target, sealed)

    def is_current(self, environment: str, target: str, sealed: str) -> bool:
        """Whether the current key sealed it, and not the previous one."""
        try:
            self._open(self._current, environment, target, sealed)
        except LedgerError:
            return False
        return True

    @staticmethod
    def _open(keys: MultiFernet, environment: str, target: str, sealed: str) -> str:
        from cryptography.fernet import InvalidToken

        try:
            about = json.loads(keys.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            about = {}
        if about.get("environment") != environment or about.get("target") != target:
            raise LedgerError(
                f"The credentials that SparkLayer handed over for {environment} cannot be read: {KEY} is not the key "
                "that sealed them",
                next_step=f"Set {PREVIOUS} to the key of before. If it is lost, disconnect in SparkLayer's Dashboard "
                "and connect again.",
            )
        return str(about.get("secret"))


def _key(text: str, name: str) -> bytes:
    """Return a key as the library takes it, from Base64 of either alphabet."""
    try:
        raw = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _BYTES:
        raise SecretUnset(f"{name} is not a key of {_BYTES} bytes in Base64", next_step=f"Set it anew: {_MAKE}.")
    return base64.urlsafe_b64encode(raw)
