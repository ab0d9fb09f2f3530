"""What connection strings say by themselves, without a network."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from reconciler.kind.probe import Outcome
from reconciler.ordercloud.probes.azure import Service, cosmos_of, hub_of, storage_of
from reconciler.ordercloud.probes.connect import Stopped
from support.probing import NOW

KEY = "bWFya2VyLXRoYXQtbm9ib2R5LW1heS1zZWU="
ACCOUNT = {
    "sv": "2024-11-04",
    "ss": "b",
    "srt": "sco",
    "sp": "rwdlac",
    "st": "2026-01-01T00:00:00Z",
    "se": "2027-01-01T00:00:00Z",
    "spr": "https",
    "sig": "c2ln",
}
CONTAINER = {"sv": "2024-11-04", "sr": "c", "sp": "racw", "se": "2027-01-01", "sig": "c2ln"}
TABLE = {**ACCOUNT, "ss": "bt", "sp": "rau"}


def string(members: dict[str, str], service: str = "Blob", scheme: str = "https") -> str:
    return f"{service}Endpoint={scheme}://shop.{service.lower()}.example/;SharedAccessSignature={urlencode(members)}"


def without(members: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in members.items() if name not in names}


@pytest.mark.parametrize(
    ("text", "service", "host"),
    [
        (string(ACCOUNT), "blob", "shop.blob.example"),
        (string(CONTAINER), "blob", "shop.blob.example"),
        (string({**CONTAINER, "sp": "c"}), "blob", "shop.blob.example"),
        (string(TABLE, "Table"), "table", "shop.table.example"),
        (
            string({"tn": "t", "sp": "a", "se": "2027-01-01T00:00:00Z", "sig": "x"}, "Table"),
            "table",
            "shop.table.example",
        ),
        (f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={KEY}", "blob", "shop.blob.core.windows.net"),
        (f"AccountName=shop;AccountKey={KEY};EndpointSuffix=core.cn", "table", "shop.table.core.cn"),
        ("UseDevelopmentStorage=true", "blob", "127.0.0.1"),
    ],
)
def test_what_lets_write_leads_to_its_service(text: str, service: Service, host: str) -> None:
    found = storage_of(text, service, NOW)
    assert found.host == host
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("text", "service", "words"),
    [
        (string({**ACCOUNT, "se": "2026-11-29T11:59:00Z"}), "blob", "ended at 2026-11-29 11:59"),
        (string({**ACCOUNT, "st": "2026-11-30T00:00:00Z"}), "blob", "begins at 2026-11-30 00:00"),
        (string(without(ACCOUNT, "se")), "blob", "no end"),
        (string({**ACCOUNT, "se": "soon"}), "blob", "no end"),
        (string(without(ACCOUNT, "sig")), "blob", "not signed"),
        (string({**ACCOUNT, "sp": "rl"}), "blob", "does not let create or write"),
        (string({**CONTAINER, "sp": "rld"}), "blob", "does not let create or write"),
        (string({**ACCOUNT, "ss": "qt"}), "blob", "not for blob storage"),
        (string({**ACCOUNT, "srt": "sc"}), "blob", "not for objects"),
        (string({**CONTAINER, "sr": "b"}), "blob", "for one blob"),
        (string(ACCOUNT, scheme="http"), "blob", "for https"),
        (string({**TABLE, "sp": "r"}, "Table"), "table", "does not let add or update"),
        (string(ACCOUNT, "Table"), "table", "not for table storage"),
        ("AccountName=shop", "blob", "AccountKey is missing"),
        ("AccountName=shop;AccountKey=%%%", "blob", "AccountKey is missing, or no key"),
        (f"AccountKey={KEY}", "blob", "neither account nor blob endpoint"),
        ("nonsense", "blob", "no connection string"),
        ("AccountName=a;AccountName=b", "blob", "no connection string"),
    ],
)
def test_what_does_not_let_write_refuses(text: str, service: Service, words: str) -> None:
    with pytest.raises(Stopped, match=words) as stopped:
        storage_of(text, service, NOW)
    assert stopped.value.outcome is Outcome.REFUSES


@pytest.mark.parametrize(
    "members",
    [
        {"sv": "2024-11-04", "sr": "c", "si": "policy", "sig": "x"},
        {**CONTAINER, "sip": "203.0.113.7"},
    ],
)
def test_a_stored_policy_and_a_list_of_addresses_cannot_be_known(members: dict[str, str]) -> None:
    with pytest.raises(Stopped) as stopped:
        storage_of(string(members), "blob", NOW)
    assert stopped.value.outcome is Outcome.UNKNOWN


def test_connection_strings_of_event_hubs() -> None:
    text = f"Endpoint=sb://Shop.servicebus.example/;SharedAccessKeyName=send;SharedAccessKey={KEY};EntityPath=hub"
    found = hub_of(text, "hub")
    assert (found.host, found.with_key) == ("shop.servicebus.example", True)
    for broken, words in (
        (text.replace("EntityPath=hub", "EntityPath=other"), "another event hub"),
        (text.replace(KEY, ""), "no shared access key"),
        ("Endpoint=sb://a.example/", "no shared access key"),
        (f"SharedAccessKeyName=send;SharedAccessKey={KEY}", "no endpoint"),
    ):
        with pytest.raises(Stopped, match=words) as stopped:
            hub_of(broken, "hub")
        assert stopped.value.outcome is Outcome.REFUSES


def test_connection_strings_of_cosmos_db() -> None:
    assert cosmos_of(f"AccountEndpoint=https://shop.documents.example:443/;AccountKey={KEY}") == (
        "shop.documents.example",
        443,
    )
    for broken in (
        f"AccountEndpoint=http://a.example/;AccountKey={KEY}",
        "AccountEndpoint=https://a.example/;AccountKey=",
    ):
        with pytest.raises(Stopped):
            cosmos_of(broken)
