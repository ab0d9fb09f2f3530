"""Where connection strings of Azure lead, for whoever reads there. Pure; no message echoes a value."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.hosts import is_loopback

_KAFKA_PORT, _EMULATOR_PORT = 9093, 9092
"""documented by Microsoft: of Event Hubs' Kafka endpoint, and of that of its emulator, which speaks no TLS."""
_DEVELOPMENT = "http://127.0.0.1:10000/devstoreaccount1"


class NoAddress(Exception):
    """A connection string that leads nowhere. Its text says what is missing, and nothing of it."""


class Address(Struct, frozen=True):
    """Where a connection string leads.

    Args:
        host: in lower case.
        port: of the service.
        secure: whether TLS is spoken.
        path: of a storage account behind a host that has several.
        login: whether somebody logs in.
    """

    host: str
    port: int
    secure: bool
    path: str = ""
    login: bool = True

    @property
    def shown(self) -> str:
        """Return host and port, as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def hub_address(connection_string: str, name: str) -> Address:
    """Return where the Kafka endpoint of an event hub is.

    documented by Microsoft: `UseDevelopmentEmulator=true` stands for its emulator. Anything else on this machine is a
    broker for tests, which knows no login.

    Args:
        connection_string: of its namespace, or of itself.
        name: of the event hub.

    Raises:
        NoAddress: it is no connection string, or of another hub.
    """
    parts = _parts(connection_string)
    if parts.get("entitypath", name) != name:
        raise NoAddress("is for another event hub than `name` says")
    if not parts.get("sharedaccesskey") and not parts.get("sharedaccesssignature"):
        raise NoAddress("has no shared access key")
    host, port, _, _ = _split(parts.get("endpoint", ""))
    local = is_loopback(host)
    login = not local or parts.get("usedevelopmentemulator", "").lower() == "true"
    return Address(host, port or (_EMULATOR_PORT if local else _KAFKA_PORT), not local, login=login)


def blob_address(connection_string: str) -> Address:
    """Return where the blob service of a storage account is.

    Raises:
        NoAddress: it is no connection string.
    """
    parts = _parts(connection_string)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        url = _DEVELOPMENT
    elif "blobendpoint" in parts:
        url = parts["blobendpoint"]
    else:
        protocol = parts.get("defaultendpointsprotocol", "https").lower()
        url = f"{protocol}://{parts.get('accountname', '')}.blob.{parts.get('endpointsuffix', 'core.windows.net')}"
    host, port, scheme, path = _split(url)
    if scheme not in ("http", "https"):
        raise NoAddress("has a blob endpoint that is no URL")
    if not path and host.startswith("."):
        raise NoAddress("names neither account nor blob endpoint")
    secure = scheme == "https"
    return Address(host, port or (443 if secure else 80), secure, path.rstrip("/"))


def _split(url: str) -> tuple[str, int | None, str, str]:
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError:
        host, port = None, None
    if not host:
        raise NoAddress("names no endpoint")
    return host.lower(), port, split.scheme, split.path


def _parts(connection_string: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in connection_string.split(";"))):
        name, equals, value = part.partition("=")
        # A name that stands twice could mean either.
        if not equals or name.strip().lower() in found:
            raise NoAddress("is no connection string")
        found[name.strip().lower()] = value.strip()
    return found
