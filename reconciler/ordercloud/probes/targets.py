"""Table of the probe of each target, and the verdict on each target of a delivery config."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from reconciler.errors import SecretUnset
from reconciler.kind.probe import Outcome, ProbePolicy, ProbeVerdict
from reconciler.manifest.hosts import hosts_of
from reconciler.ordercloud.probes.azure import Service, cosmos_of, hub_of, storage_of
from reconciler.ordercloud.probes.connect import Stopped, connected
from reconciler.ordercloud.probes.kafka import Login, Settled, probe_topic
from reconciler.ordercloud.probes.web import probe_url
from reconciler.secret import Secret

Target = Mapping[str, Any]
_KAFKA_PORT, _EVENT_HUBS_KAFKA, _AMQPS = 9092, 9093, 5671


async def probe(state: Mapping[str, Any], policy: ProbePolicy) -> tuple[ProbeVerdict, ...]:
    """Probe each target of a delivery config, side by side; see `kind.probe.Prober`."""
    targets: Mapping[str, Any] = state.get("deliveryTargets") or {}
    return tuple(await asyncio.gather(*(_verdict(name, target, policy) for name, target in targets.items())))


async def _verdict(target_name: str, target: Target, policy: ProbePolicy) -> ProbeVerdict:
    name = f"deliveryTargets.{target_name}"
    make = PROBES.get(target_name)
    if make is None:
        return ProbeVerdict(name, Outcome.UNKNOWN, "there is no probe of such a target")
    if policy.pull_request is not None:
        return ProbeVerdict(name, Outcome.UNKNOWN, f"not tried: {policy.pull_request} says that this is a pull request")
    try:
        found = await make(target, policy)
    except Stopped as stopped:
        return ProbeVerdict(name, stopped.outcome, stopped.message, stopped.next_step)
    except SecretUnset as unset:
        return ProbeVerdict(name, Outcome.UNKNOWN, unset.message.replace("has to be sent and ", ""), unset.next_step)
    return ProbeVerdict(name, Outcome.ANSWERS, found)


def _text(target: Target, name: str) -> str:
    """Return a member's text, of a secret one its value.

    Raises:
        SecretUnset: it is not set here.
        Stopped: the manifest leaves it to others.
    """
    value = target.get(name)
    if value is None:
        raise Stopped(Outcome.UNKNOWN, f"the manifest does not say {name}")
    return value.reveal() if isinstance(value, Secret) else str(value)


async def _kafka(target: Target, policy: ProbePolicy) -> str:
    brokers = _brokers(_text(target, "bootstrapServers"))
    login = Login(_text(target, "saslUsername"), _text(target, "saslPassword"))
    return await probe_topic(brokers, login, _text(target, "topic"), policy)


def _brokers(text: str) -> list[tuple[str, int]]:
    if hosts_of(text, "brokers") is None:
        raise Stopped(Outcome.REFUSES, "its brokers cannot be read", "Write host:port, separated by commas.")
    urls = [urlsplit(each if "://" in each else f"kafka://{each}") for each in map(str.strip, text.split(","))]
    return [(str(url.hostname), url.port or _KAFKA_PORT) for url in urls]


async def _event_hub(target: Target, policy: ProbePolicy) -> str:
    """Connect where OrderCloud's messages go (AMQP over TLS), and ask the Kafka endpoint about hub and key.

    documented: the Kafka endpoint takes the connection string as a password, and namespaces of the basic tier have
    none: so no connection there is no refusal.
    """
    connection_string, name = _text(target, "connectionString"), _text(target, "eventHubName")
    hub = hub_of(connection_string, name)
    async with connected(hub.host, _AMQPS, policy, tls=True):
        pass
    if not hub.with_key:
        return "connects; its signature was not tried"
    try:
        # A key of the namespace is judged by the hub that is asked for.
        login = Login("$ConnectionString", connection_string)
        await probe_topic([(hub.host, _EVENT_HUBS_KAFKA)], login, name, policy)
    except Settled:
        raise
    except Stopped:
        return "connects; hub and key were not tried, as there is no Kafka endpoint"
    return "takes the key and has the event hub"


def _storage(service: Service) -> Callable[[Target, ProbePolicy], Awaitable[str]]:
    async def probe_storage(target: Target, policy: ProbePolicy) -> str:
        storage = storage_of(_text(target, "connectionString"), service, policy.now)
        async with connected(storage.host, storage.port, policy, tls=storage.secure):
            return f"connects; {storage.remark}"

    return probe_storage


async def _cosmos(target: Target, policy: ProbePolicy) -> str:
    host, port = cosmos_of(_text(target, "connectionString"))
    async with connected(host, port, policy, tls=True):
        return "connects; whether its key is valid was not tried"


def _web(member: str, untried: str) -> Callable[[Target, ProbePolicy], Awaitable[str]]:
    async def probe_web(target: Target, policy: ProbePolicy) -> str:
        found = await probe_url(_text(target, member), policy)
        return f"{found}; {untried}"

    return probe_web


async def _search(target: Target, policy: ProbePolicy) -> str:
    found = await probe_url(_text(target, "endpoint"), policy)
    content = (target.get("content") or {}).get("http")
    if content is not None:
        found = f"{found}; its content: {await probe_url(_text(content, 'endpoint'), policy)}"
    return f"{found}; key, domain, source and entity were not tried"


async def _mailchimp(_target: Target, _policy: ProbePolicy) -> str:
    raise Stopped(Outcome.UNKNOWN, "the manifest names no host, and the key can only be tried by sending it")


_UNSIGNED = "what it says to a signed message was not tried"
PROBES: Mapping[str, Callable[[Target, ProbePolicy], Awaitable[str]]] = {
    "kafka": _kafka,
    "http": _web("endpoint", _UNSIGNED),
    "eventHub": _event_hub,
    "azureBlob": _storage("blob"),
    "azureTable": _storage("table"),
    "cosmosDb": _cosmos,
    "messageSender": _web("endpoint", _UNSIGNED),
    "searchIngestion": _search,
    "contentHub": _web("endpoint", "key and schema were not tried"),
    "sendEvent": _web("serviceEndpoint", "the site was not tried"),
    "discoverEvent": _web("serviceEndpoint", "client and key were not tried"),
    "mailchimp": _mailchimp,
}
