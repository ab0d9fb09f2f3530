"""Probes: what can be known from here about a place that an API will send to, without sending anything there. Pure."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, ClassVar, Protocol

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.hosts import host_allowed, is_loopback
from reconciler.redacted import RedactedStruct

ALLOW_PRIVATE = "RECONCILER_ALLOW_PRIVATE_TARGETS"
FIREWALL = "Check the host and its firewall; OrderCloud connects from elsewhere and may still reach it."
# How a look-up fails where there is no such name, and not where nobody answers.
UNKNOWN_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
Network = IPv4Network | IPv6Network
# What the forges' pipelines set while they run for a pull request, and how its value begins ("": any value).
_PULL_REQUEST = {
    "GITHUB_EVENT_NAME": "pull_request",
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "",
    "BUILD_REASON": "PullRequest",
    "CI_MERGE_REQUEST_IID": "",
}


class Outcome(StrEnum):
    """What a probe found. Only `refuses` is reason enough not to send there."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    UNKNOWN = "cannot be known from here"


class ProbeVerdict(Struct, frozen=True):
    """Verdict on one target.

    Args:
        target: its path in the manifest, e.g. `deliveryTargets.http`.
        outcome: what was found.
        message: a few words on why; no secret, and of a secret value not even the host.
        next_step: what to do about it.
    """

    target: str
    outcome: Outcome
    message: str
    next_step: str | None = None


class ProbePolicy(RedactedStruct, frozen=True):
    """What probes may touch in one run. Nothing of it comes from a manifest but `target_hosts`.

    Args:
        now: the time, by which signatures are judged (timezone-aware).
        target_hosts: the hosts that the environment allows; None: it does not say, so nothing is touched.
        private_hosts: names of hosts that may be at addresses that are not public.
        private_networks: networks that are not public and may be touched.
        loopback: whether this machine may be touched.
        emulated: the API is an emulator on this machine, which sends to this machine alone; so nothing else is touched.
        proxied: connections from here go through a proxy, which probes do not use: that one fails proves nothing.
        pull_request: the variable that says that this run is for a pull request, in which nothing is touched.
        ca_file: certificates to trust beside the usual ones.
        seconds: the longest that one connection, or one answer, may take.
    """

    redacted: ClassVar[tuple[str, ...]] = ("ca_file",)

    now: datetime
    target_hosts: tuple[str, ...] | None
    private_hosts: tuple[str, ...] = ()
    private_networks: tuple[Network, ...] = ()
    loopback: bool = False
    emulated: bool = False
    proxied: bool = False
    pull_request: str | None = None
    ca_file: str | None = None
    seconds: float = 10.0


class Obstacle(Struct, frozen=True):
    """Obstacle to touching a host at all: what that says of it, why, and what to do about it."""

    outcome: Outcome
    message: str
    next_step: str | None = None


def obstacle(host: str, policy: ProbePolicy) -> Obstacle | None:
    """Return what keeps every probe from touching a host, or None.

    Args:
        host: a name or an address.
        policy: what may be touched.
    """
    if policy.pull_request is not None:
        return Obstacle(Outcome.UNKNOWN, f"not tried: this run is for a pull request ({policy.pull_request})")
    if policy.target_hosts is None:
        step = "List the hosts in the Environment's targetHosts."
        return Obstacle(Outcome.UNKNOWN, "not tried: the environment has no targetHosts", step)
    if not host_allowed(host, policy.target_hosts):
        step = "Mend the value, or add its host to the Environment's targetHosts."
        return Obstacle(Outcome.REFUSES, "not tried: it points outside targetHosts", step)
    if policy.emulated and not is_loopback(host) and not host_allowed(host, policy.private_hosts):
        return Obstacle(Outcome.UNKNOWN, "not tried: OrderCloud is an emulator here, and sends to this machine alone")
    return None


class Prober(Protocol):
    """Probes what a desired object of one kind sends to."""

    async def __call__(self, state: Mapping[str, Any], policy: ProbePolicy) -> tuple[ProbeVerdict, ...]:
        """Return a verdict per target. Never raises for what it finds.

        Args:
            state: the desired state in manifest terms, with its secrets.
            policy: what may be touched.
        """
        ...


def pull_request_of(environ: Mapping[str, str]) -> str | None:
    """Return the variable that says that this run is for a pull request, or None."""
    for name, prefix in _PULL_REQUEST.items():
        value = environ.get(name, "")
        if value and value.startswith(prefix):
            return name
    return None


def private_targets(environ: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[Network, ...]]:
    """Return the hosts and the networks of RECONCILER_ALLOW_PRIVATE_TARGETS: names, addresses or `10.1.0.0/16`.

    Raises:
        UsageError: it holds a network that is none.
    """
    hosts: list[str] = []
    networks: list[Network] = []
    for part in environ.get(ALLOW_PRIVATE, "").replace(",", " ").split():
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            if "/" in part:
                raise UsageError(
                    f"{ALLOW_PRIVATE} holds a network that is none",
                    next_step="Write hosts, addresses, or networks such as 10.1.0.0/16, separated by commas.",
                ) from error
            hosts.append(part.lower())
    return tuple(hosts), tuple(networks)
