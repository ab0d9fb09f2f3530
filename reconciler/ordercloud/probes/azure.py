"""Connection strings of Azure, probed by themselves: where they lead, what a shared access signature permits. Pure.

documented by Microsoft, of a shared access signature: `sp` permissions, `st` and `se` start and end, `sr` the resource
of a service's signature, `ss` and `srt` services and resource types of an account's, `spr` protocols, `sip` addresses,
`si` a stored policy.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from reconciler.kind.probe import Outcome
from reconciler.ordercloud.probes.connect import Stopped

_DEVELOPMENT_PORTS = {"blob": 10000, "table": 10002}
_NEW_SIGNATURE = "Make a new shared access signature and set it as the secret."
Service = Literal["blob", "table"]


class Storage(Struct, frozen=True):
    """A storage account's service: where it is, and what its credential says.

    Args:
        host: of the service.
        port: of the service.
        secure: whether TLS is spoken.
        remark: what the credential says, in a few words.
    """

    host: str
    port: int
    secure: bool
    remark: str


def parts_of(connection_string: str) -> dict[str, str]:
    """Return the parts of a connection string by name, in lower case.

    Raises:
        Stopped: it is none.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in connection_string.split(";"))):
        name, equals, value = part.partition("=")
        if not equals or name.strip().lower() in found:
            raise Stopped(Outcome.REFUSES, "it is no connection string", "Copy it from the portal as it is.")
        found[name.strip().lower()] = value.strip()
    return found


def storage_of(connection_string: str, service: Service, now: datetime) -> Storage:
    """Return where a storage connection string leads; whether it lets write is judged by what it says.

    Args:
        connection_string: the secret.
        service: blob or table.
        now: by which its signature is judged.

    Raises:
        Stopped: it cannot let anybody write, or that cannot be known.
    """
    parts = parts_of(connection_string)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return Storage("127.0.0.1", _DEVELOPMENT_PORTS[service], False, "the storage emulator of this machine")
    url = parts.get(f"{service}endpoint")
    if url is None:
        if "accountname" not in parts:
            raise Stopped(Outcome.REFUSES, f"it names neither account nor {service} endpoint", "Copy it as it is.")
        protocol = parts.get("defaultendpointsprotocol", "https").lower()
        url = f"{protocol}://{parts['accountname']}.{service}.{parts.get('endpointsuffix', 'core.windows.net')}"
    split = urlsplit(url)
    secure = split.scheme == "https"
    if split.scheme not in ("http", "https") or not split.hostname:
        raise Stopped(Outcome.REFUSES, f"its {service} endpoint is no URL", "Copy it from the portal as it is.")
    signature = parts.get("sharedaccesssignature")
    if signature is not None:
        remark = judge_signature(dict(parse_qsl(signature.lstrip("?"))), service, now, secure=secure)
    else:
        check_key(parts.get("accountkey"), "AccountKey")
        remark = "a key permits all; whether it is still valid was not tried"
    return Storage(split.hostname, split.port or (443 if secure else 80), secure, remark)


def judge_signature(members: Mapping[str, str], service: Service, now: datetime, *, secure: bool = True) -> str:
    """Judge by its members whether a shared access signature lets write, and return what it permits, in a few words.

    Args:
        members: its query parameters.
        service: blob or table.
        now: the time (timezone-aware).
        secure: whether TLS is spoken.

    Raises:
        Stopped: it does not, or that cannot be known.
    """
    if not members.get("sig"):
        raise Stopped(Outcome.REFUSES, "its shared access signature is not signed", _NEW_SIGNATURE)
    _check_times(members, now)
    if members.get("spr") == "https" and not secure:
        raise Stopped(Outcome.REFUSES, "its signature is for https, its endpoint is not", "Write https:// there.")
    of_account = "ss" in members or "srt" in members
    if of_account:
        _check_account(members, service)
    elif service == "blob" and members.get("sr") in ("b", "bs", "bv"):
        raise Stopped(Outcome.REFUSES, "its signature is for one blob, not for the container", _NEW_SIGNATURE)
    if not of_account and members.get("si"):
        words = "its signature goes by a policy that is stored with the container"
        raise Stopped(Outcome.UNKNOWN, words, "Look at the stored access policy: it has to let create or write.")
    permitted = members.get("sp", "")
    # Of a table, rows are added or merged; of a container, blobs are created or written.
    wanted = "cw" if service == "blob" else "au"
    if not set(wanted) & set(permitted):
        kinds = "create or write" if service == "blob" else "add or update"
        raise Stopped(Outcome.REFUSES, f"its signature does not let {kinds}", _NEW_SIGNATURE)
    if members.get("sip"):
        words = "its signature is for some addresses only"
        raise Stopped(Outcome.UNKNOWN, words, "Check that OrderCloud's addresses are among those of `sip`.")
    return f"its signature lets write until {members['se']}"


def _check_account(members: Mapping[str, str], service: Service) -> None:
    if service[0] not in members.get("ss", ""):
        raise Stopped(Outcome.REFUSES, f"its signature is not for {service} storage", _NEW_SIGNATURE)
    if "o" not in members.get("srt", ""):
        raise Stopped(Outcome.REFUSES, "its signature is not for objects (srt has no o)", _NEW_SIGNATURE)


def _check_times(members: Mapping[str, str], now: datetime) -> None:
    start, end = (_moment(members.get(name)) for name in ("st", "se"))
    if end is None and members.get("si") and not members.get("se"):
        return
    if end is None:
        raise Stopped(Outcome.REFUSES, "its signature has no end that can be read", _NEW_SIGNATURE)
    if end <= now:
        raise Stopped(Outcome.REFUSES, f"its signature ended at {end:%Y-%m-%d %H:%M} UTC", _NEW_SIGNATURE)
    if start is not None and start > now:
        raise Stopped(
            Outcome.REFUSES, f"its signature begins at {start:%Y-%m-%d %H:%M} UTC", "Wait, or make a new one."
        )


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def check_key(key: str | None, name: str) -> None:
    """Refuse a key that is missing, or no Base64.

    Raises:
        Stopped: it is.
    """
    try:
        usable = bool(key) and bool(base64.b64decode(key or "", validate=True))
    except (binascii.Error, ValueError):
        usable = False
    if not usable:
        raise Stopped(Outcome.REFUSES, f"its {name} is missing, or no key", "Copy it from the portal as it is.")


class Hub(Struct, frozen=True):
    """An event hub's namespace, and whether its connection string names a policy and its key."""

    host: str
    with_key: bool


def hub_of(connection_string: str, name: str) -> Hub:
    """Return where a connection string of Event Hubs leads.

    Args:
        connection_string: the secret.
        name: of the event hub.

    Raises:
        Stopped: it leads nowhere, or to another hub.
    """
    parts = parts_of(connection_string)
    host = urlsplit(parts.get("endpoint", "")).hostname
    if not host:
        raise Stopped(Outcome.REFUSES, "it names no endpoint", "Copy it from the portal as it is.")
    if parts.get("entitypath", name) != name:
        raise Stopped(Outcome.REFUSES, "it is for another event hub than eventHubName says", "Correct one of them.")
    if "sharedaccesskeyname" not in parts and "sharedaccesssignature" not in parts:
        raise Stopped(Outcome.REFUSES, "it has no shared access key", "Copy it from the portal as it is.")
    if "sharedaccesskeyname" in parts and not parts.get("sharedaccesskey"):
        raise Stopped(Outcome.REFUSES, "it has no shared access key", "Copy it from the portal as it is.")
    return Hub(host, "sharedaccesskeyname" in parts)


def cosmos_of(connection_string: str) -> tuple[str, int]:
    """Return host and port of a Cosmos DB connection string.

    Raises:
        Stopped: it leads nowhere, or has no key.
    """
    parts = parts_of(connection_string)
    split = urlsplit(parts.get("accountendpoint", ""))
    if split.scheme != "https" or not split.hostname:
        raise Stopped(Outcome.REFUSES, "it names no account endpoint", "Copy it from the portal as it is.")
    check_key(parts.get("accountkey"), "AccountKey")
    return split.hostname, split.port or 443
