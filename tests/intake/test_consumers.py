"""The consumers that a manifest names: what they read, and what of them is refused before anything starts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.errors import Place
from reconciler.intake.addresses import NoAddress, blob_address, hub_address
from reconciler.intake.blob import BlobSource
from reconciler.intake.consumer import Consumer
from reconciler.intake.consumers import consumers_of, problems
from reconciler.intake.kafka import KafkaSettings, KafkaSource
from reconciler.manifest.connection import Service
from reconciler.manifest.service import ServiceSettings
from reconciler.secret import Secret
from support.intake import Kept

MASKED = "••••••"
HUB = "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=aHVzaA=="
STORAGE = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=aHVzaA==;EndpointSuffix=core.windows.net"
KAFKA = {"bootstrapServers": "broker.internal:9092", "topics": ["oc.products"], "group": "g", "dataSync": "shop"}
SECRETS = ("password", "connectionString")


def service(*consumers: dict[str, Any]) -> Service:
    """A section as it is resolved: secrets are masked in it, and stand beside it."""
    sealed = {}
    shown = []
    for number, consumer in enumerate(consumers):
        ((name, section),) = consumer.items()
        for each in SECRETS:
            if each in section:
                value = section[each]
                sealed["consumers", number, name, each] = Secret("${secret:X}", lambda value=value: value)
        shown.append({name: {**section, **{each: MASKED for each in SECRETS if each in section}}})
    settings = ServiceSettings.model_validate({"consumers": shown})
    return Service(settings, sealed, lambda path: Place("env.yaml", 1 + len(path), 1))


def told(*consumers: dict[str, Any], allowed: tuple[str, ...] | None = ("*.internal", "*.windows.net")) -> list[str]:
    found = list(problems(service(*consumers), "live", allowed))
    assert all(problem.place is not None for problem in found)
    assert "aHVzaA" not in str(found)
    return [problem.message.removeprefix("Environment live: the consumer of ") for problem in found]


def test_each_kind_becomes_a_consumer_with_the_inbox_of_its_data_sync() -> None:
    inboxes = {"shop": Kept(), "other": Kept()}
    places: list[str] = []
    found = consumers_of(
        service(
            {"kafka": {**KAFKA, "username": "u", "password": "hush"}},
            {"eventHub": {"connectionString": HUB, "name": "hub", "dataSync": "other"}},
            {"azureBlob": {"connectionString": STORAGE, "container": "occ", "prefix": "in/", "dataSync": "shop"}},
        ),
        inboxes,
        lambda place: places.append(place),  # type: ignore[arg-type,func-returns-value]
        ca_file="ca.pem",
    )
    assert [each.status.name for each in found] == [
        "kafka broker.internal:9092 oc.products",
        "event hub hub",
        "blobs occ/in/",
    ]
    assert [each.inbox for each in found] == [inboxes["shop"], inboxes["other"], inboxes["shop"]]
    assert [place.rpartition(" ")[0] for place in places] == ["shop: blobs occ/in/"]
    assert not any("windows.net" in text for text in (*places, *(each.status.name for each in found)))
    assert hub_settings(found[1]).hidden == ("shop.servicebus.windows.net",)
    kafka, hub = (each.source for each in found[:2])
    assert isinstance(kafka, KafkaSource)
    assert isinstance(hub, KafkaSource)
    assert isinstance(found[2].source, BlobSource)
    config = kafka._settings.config()
    assert (config["security.protocol"], config["sasl.password"], config["ssl.ca.location"]) == (
        "SASL_SSL",
        "hush",
        "ca.pem",
    )
    config = hub._settings.config()
    assert (config["sasl.username"], config["sasl.password"], config["group.id"]) == (
        "$ConnectionString",
        HUB,
        "$Default",
    )
    assert not any(secret in f"{found}{kafka._settings}" for secret in ("hush", "aHVzaA"))


def hub_settings(consumer: Consumer) -> KafkaSettings:
    assert isinstance(consumer.source, KafkaSource)
    return consumer.source._settings


def test_a_host_that_target_hosts_leave_out_is_refused() -> None:
    evil = {"kafka": {**KAFKA, "bootstrapServers": "broker.internal:9092,evil.example:9092"}}
    hub = {"connectionString": HUB.replace("shop.servicebus.windows.net", "evil.example"), "name": "h", "dataSync": "s"}
    blob = {"connectionString": STORAGE + ";BlobEndpoint=https://evil.example", "container": "occ", "dataSync": "s"}
    assert told(evil, {"eventHub": hub}, {"azureBlob": blob}) == [
        "kafka connects to evil.example, outside targetHosts",
        "eventHub: connectionString points outside targetHosts",
        "azureBlob: connectionString points outside targetHosts",
    ]
    assert told(evil, {"eventHub": hub}, {"azureBlob": blob}, allowed=None) == []


def test_secrets_do_not_go_in_the_clear() -> None:
    kafka = {**KAFKA, "username": "u", "password": "hush", "tls": False}
    blob = {"connectionString": STORAGE.replace("=https", "=http"), "container": "occ", "dataSync": "s"}
    assert told({"kafka": kafka}, {"azureBlob": blob}) == [
        "kafka would send its password in the clear",
        "azureBlob would send its signature in the clear",
    ]
    local = {**kafka, "bootstrapServers": "127.0.0.1:9092,[::1]:9092"}
    assert told({"kafka": local}, {"azureBlob": {**blob, "connectionString": "UseDevelopmentStorage=true"}}) == []


def test_two_data_syncs_do_not_take_each_others_messages() -> None:
    other = {**KAFKA, "dataSync": "other"}
    assert told({"kafka": KAFKA}, {"kafka": other}) == [
        "kafka takes from kafka broker.internal:9092 oc.products what is for DataSync shop too"
    ]
    assert told({"kafka": KAFKA}, {"kafka": {**other, "group": "another"}}) == []
    assert told({"kafka": KAFKA}, {"kafka": {**other, "topics": ["another"]}}) == []
    blob = {"connectionString": STORAGE, "container": "occ", "dataSync": "shop"}
    kept, deleted = ({"azureBlob": {**blob, "dataSync": "other", "afterwards": each}} for each in ("keep", "delete"))
    assert told({"azureBlob": blob}, kept) == []
    assert len(told({"azureBlob": blob}, deleted)) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "is no connection string"),
        ("Endpoint=sb://a/;Endpoint=sb://b/;SharedAccessKey=k", "is no connection string"),
        ("SharedAccessKey=k", "names no endpoint"),
        ("Endpoint=sb://[/;SharedAccessKey=k", "names no endpoint"),
        ("Endpoint=sb://a:x/;SharedAccessKey=k", "names no endpoint"),
        ("Endpoint=sb://a/", "has no shared access key"),
        ("Endpoint=sb://a/;SharedAccessKey=k;EntityPath=other", "is for another event hub"),
    ],
)
def test_a_connection_string_that_leads_nowhere_says_why(text: str, why: str) -> None:
    with pytest.raises(NoAddress, match=why):
        hub_address(text, "hub")
    consumer = {"connectionString": text, "name": "hub", "dataSync": "s"}
    assert told({"eventHub": consumer})[0].startswith(f"eventHub: connectionString {why}")


@pytest.mark.parametrize("text", ["x", "", "AccountKey=a", "BlobEndpoint=ftp://a", "BlobEndpoint=http://[/"])
def test_a_storage_connection_string_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(NoAddress):
        blob_address(text)


def test_brokers_for_tests_know_no_login_and_the_emulator_of_event_hubs_does() -> None:
    text = "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=s"
    address = hub_address(text, "hub")
    assert (address.shown, address.secure, address.login) == ("localhost:9092", False, False)
    consumer = {"connectionString": f"{text};UseDevelopmentEmulator=true;", "name": "hub", "dataSync": "shop"}
    (found,) = consumers_of(service({"eventHub": consumer}), {"shop": Kept()}, lambda _: None)  # type: ignore[arg-type,return-value]
    assert isinstance(found.source, KafkaSource)
    config = found.source._settings.config()
    assert (config["security.protocol"], config["sasl.username"]) == ("SASL_PLAINTEXT", "$ConnectionString")


@pytest.mark.parametrize(
    "consumer",
    [
        {},
        {"kafka": KAFKA, "azureBlob": {"connectionString": "x", "container": "occ", "dataSync": "s"}},
        {"kafka": {**KAFKA, "topics": []}},
        {"kafka": {**KAFKA, "topics": ["^.*"]}},
        {"kafka": {**KAFKA, "username": "u"}},
        {"kafka": {**KAFKA, "group": "a b"}},
        {"azureBlob": {"connectionString": "x", "container": "../up", "dataSync": "s"}},
        {"azureBlob": {"connectionString": "x", "container": "occ", "dataSync": "s", "afterwards": "archive"}},
        {"eventHub": {"connectionString": "x", "name": "a/b", "dataSync": "s"}},
    ],
)
def test_what_no_broker_knows_is_refused_by_the_manifest(consumer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings.model_validate({"consumers": [consumer]})
