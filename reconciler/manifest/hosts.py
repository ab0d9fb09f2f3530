"""Hosts that a value points at. Pure; no message echoes a value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.ASCII)
_PROTOCOL = re.compile(r"^[A-Za-z_]+://")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+", re.ASCII)
# Keys of Azure connection strings that hold an address, lower case.
_ADDRESS_KEYS = ("endpoint", "accountendpoint", "blobendpoint", "tableendpoint", "queueendpoint", "fileendpoint")
_DEVELOPMENT = "usedevelopmentstorage"
HostForm = Literal["url", "brokers", "connection-string"]


@lru_cache(maxsize=4096)  # a repository names the same few over and over
def hosts_of(value: str, form: HostForm) -> tuple[str, ...] | None:
    """Return the hosts that a value points at, lower case, without ports; None where it cannot be parsed.

    Args:
        value: a URL, Kafka brokers as `host:port,…`, or an Azure connection string.
        form: which of them it is.
    """
    if form == "url":
        host = _host_of_url(value)
        return (host,) if host else None
    if form == "brokers":
        brokers = [_host_of_address(broker.strip()) for broker in value.split(",")]
        return tuple(dict.fromkeys(broker for broker in brokers if broker)) if all(brokers) else None
    return _hosts_of_connection_string(value)


def _host_of_url(value: str) -> str | None:
    # Browsers and HTTP clients disagree about such characters, so the host they mean cannot be known.
    if value != value.strip() or "\\" in value or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return _valid(host) if parts.scheme and host else None


def _host_of_address(value: str) -> str | None:
    """Parse `host:port`, `[v6]:port`, and either behind `PROTOCOL://`."""
    return _host_of_url("kafka://" + _PROTOCOL.sub("", value)) if value else None


def _valid(host: str) -> str | None:
    host = host.lower()
    return host.rstrip(".") if (_HOST if ":" not in host else _IPV6).fullmatch(host) else None


def _hosts_of_connection_string(value: str) -> tuple[str, ...] | None:
    pairs = dict[str, str]()
    for part in filter(None, (part.strip() for part in value.split(";"))):
        name, equals, text = part.partition("=")
        # A name that stands twice could mean either.
        if not equals or name.strip().lower() in pairs:
            return None
        pairs[name.strip().lower()] = text.strip()
    if pairs.get(_DEVELOPMENT, "").lower() == "true":
        return ("127.0.0.1",)
    hosts = [_host_of_url(pairs[key]) for key in _ADDRESS_KEYS if key in pairs]
    if "accountname" in pairs and not {"blobendpoint", "tableendpoint"} & pairs.keys():
        suffix = pairs.get("endpointsuffix", "core.windows.net")
        hosts.append(_valid(f"{pairs['accountname']}.{suffix}"))
    found = [host for host in hosts if host]
    return tuple(dict.fromkeys(found)) if found and len(found) == len(hosts) else None
