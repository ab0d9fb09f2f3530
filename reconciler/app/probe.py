"""Probe what an environment's desired objects send to: for `doctor --targets`, and before a target is changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from reconciler.errors import UsageError
from reconciler.hosts import is_loopback
from reconciler.kind.probe import ProbePolicy, ProbeVerdict, private_targets, pull_request_of
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.registry import prober

CA_FILE = "RECONCILER_CA_FILE"
_PROXIES = ("HTTPS_PROXY", "ALL_PROXY")


def policy_of(session: Session, api: str, environ: Mapping[str, str], now: datetime) -> ProbePolicy:
    """Return what probes of an environment may touch.

    Where the API itself is on this machine it is an emulator, which sends to this machine: that may be touched, and
    nothing else.

    Args:
        session: the environment.
        api: the provider that will send.
        environ: the process environment.
        now: the time (timezone-aware).

    Raises:
        UsageError: RECONCILER_ALLOW_PRIVATE_TARGETS cannot be read.
    """
    hosts, networks = private_targets(environ)
    connection = session.connections.get(api)
    here = connection is not None and is_loopback(urlsplit(connection.api_url).hostname or "")
    return ProbePolicy(
        now=now,
        target_hosts=session.settings.target_hosts,
        private_hosts=hosts,
        private_networks=networks,
        loopback=here,
        emulated=here,
        proxied=any(environ.get(name) or environ.get(name.lower()) for name in _PROXIES),
        pull_request=pull_request_of(environ),
        ca_file=environ.get(CA_FILE) or None,
    )


async def probe(
    session: Session, desired: Desired, environ: Mapping[str, str], now: datetime
) -> tuple[ProbeVerdict, ...]:
    """Probe each target of a desired object; nothing is sent to it. Only a verdict `refuses` speaks against it.

    Args:
        session: the environment.
        desired: the object, with its secrets.
        environ: the process environment. For a pull request nothing is touched, and every verdict says so.
        now: the time (timezone-aware).

    Returns:
        A verdict per target; none for kinds that send nowhere.

    Raises:
        UsageError: RECONCILER_ALLOW_PRIVATE_TARGETS cannot be read.
    """
    found = prober(desired.kind)
    if found is None or desired.absent:
        return ()
    return await found(desired.state, policy_of(session, session.kinds[desired.kind].api, environ, now))


def refuse_for_pull_requests(environ: Mapping[str, str]) -> None:
    """Refuse to probe in a run for a pull request, whose targetHosts would say where secrets go.

    Raises:
        UsageError: the run is for one.
    """
    name = pull_request_of(environ)
    if name is not None:
        raise UsageError(
            f"delivery targets are not probed for a pull request ({name} says that this run is for one)",
            next_step="Leave --targets out here; run it on the default branch, on a schedule or by hand.",
        )
