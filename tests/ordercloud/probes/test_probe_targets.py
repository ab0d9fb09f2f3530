"""Every one of the twelve targets gets a verdict, and no verdict holds a secret."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.probe import Outcome, ProbePolicy, ProbeVerdict
from reconciler.kind.semantics import fields_of
from reconciler.ordercloud.kinds.delivery_targets import DeliveryTargets
from reconciler.ordercloud.probes.targets import PROBES, probe
from reconciler.secret import Secret
from support.probing import HOST, POLICY, Resolver
from support.scripted_server import ScriptedServer, answer

MARKER = "marker-that-nobody-may-see"


def secret(value: str | None) -> Secret:
    return Secret("${secret:NAME}", lambda: value)


def verdicts(targets: dict[str, Any], policy: ProbePolicy = POLICY) -> dict[str, ProbeVerdict]:
    found = asyncio.run(probe({"deliveryTargets": targets}, policy))
    return {verdict.target.removeprefix("deliveryTargets."): verdict for verdict in found}


def everything(url: str) -> dict[str, Any]:
    """All targets at once, with secrets in them."""
    key = "bWFya2VyLXRoYXQtbm9ib2R5LW1heS1zZWU="
    search = {"domain": "1", "source": "2", "endpoint": url, "entity": "product", "apiKey": secret(MARKER)}
    return {
        "kafka": {
            "bootstrapServers": f"{MARKER}.example.org:9093",
            "saslUsername": "u",
            "saslPassword": secret(MARKER),
            "topic": "t",
        },
        "http": {"endpoint": secret(f"{url}/hook?code={MARKER}"), "secret": secret(MARKER)},
        "eventHub": {
            "eventHubName": "h",
            "connectionString": secret(
                f"Endpoint=sb://{MARKER}.example.org;SharedAccessKeyName=a;SharedAccessKey={key}"
            ),
        },
        "azureBlob": {"connectionString": secret(f"BlobEndpoint=https://{MARKER}.example.org;AccountKey={key}")},
        "azureTable": {"connectionString": secret(f"AccountName={MARKER};AccountKey={key}")},
        "cosmosDb": {"connectionString": secret(f"AccountEndpoint=https://{MARKER}.example.org;AccountKey={key}")},
        "messageSender": {"endpoint": url, "secret": secret(MARKER)},
        "searchIngestion": {**search, "content": {"locales": ["en"], "http": {"endpoint": f"{url}/content"}}},
        "contentHub": {"endpoint": url, "targetSchemaName": "s", "apiKey": secret(MARKER)},
        "sendEvent": {"siteID": "s", "serviceEndpoint": url},
        "discoverEvent": {"clientID": "c", "serviceEndpoint": url, "apiKey": secret(MARKER)},
        "mailchimp": {"apiKey": secret(MARKER)},
    }


def test_there_is_a_probe_for_each_target_of_the_model() -> None:
    assert set(PROBES) == set(fields_of(DeliveryTargets))
    assert len(PROBES) == 12


def test_all_targets_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(["127.0.0.1"]).install(monkeypatch)

    async def run() -> tuple[ProbeVerdict, ...]:
        async with ScriptedServer(otherwise=answer(404)) as server:
            return await probe({"deliveryTargets": everything(f"http://{HOST}:{server.port}")}, POLICY)

    found = asyncio.run(run())
    outcomes = {verdict.target.removeprefix("deliveryTargets."): verdict.outcome for verdict in found}
    web = ("http", "messageSender", "searchIngestion", "contentHub", "sendEvent", "discoverEvent")
    assert {name: outcomes[name] for name in web} == dict.fromkeys(web, Outcome.ANSWERS)
    assert outcomes["mailchimp"] is Outcome.UNKNOWN
    outside = ("kafka", "eventHub", "azureBlob", "azureTable", "cosmosDb")
    assert {name: outcomes[name] for name in outside} == dict.fromkeys(outside, Outcome.REFUSES)
    assert MARKER not in str(found)
    assert all(verdict.next_step for verdict in found if verdict.outcome is Outcome.REFUSES)


def test_in_a_run_for_a_pull_request_nothing_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(["127.0.0.1"]).install(monkeypatch)
    found = verdicts(everything(f"http://{HOST}"), replace(POLICY, pull_request="GITHUB_EVENT_NAME"))
    assert {verdict.outcome for verdict in found.values()} == {Outcome.UNKNOWN}
    assert all("GITHUB_EVENT_NAME" in verdict.message for verdict in found.values())
    assert resolver.asked == []


def test_a_secret_that_is_not_set_cannot_be_known() -> None:
    found = verdicts({"azureBlob": {"connectionString": secret(None)}, "http": {"endpoint": secret(None)}})
    assert {verdict.outcome for verdict in found.values()} == {Outcome.UNKNOWN}
    assert found["azureBlob"].message == "${secret:NAME} is not set"
    assert verdicts({"later": {}})["later"].outcome is Outcome.UNKNOWN
    assert verdicts({}) == {}
