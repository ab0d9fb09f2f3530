"""What the kinds send, and what they make of what they read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.registry import kinds
from reconciler.secret import Secret

CONFIG = kinds()["DeliveryConfig"]
ENTITY = kinds()["EntitySync"]
SECRET = Secret("${secret:S}", lambda: "value")


def live(targets, **members):
    return CONFIG.observe("c", {"ID": "c", "Name": "C", "Enabled": True, "DeliveryTargets": targets, **members})


def body(targets, wanted, changed=("deliveryTargets.http.endpoint",)):
    return CONFIG.update_body({"deliveryTargets": wanted}, live(targets), frozenset(changed))["DeliveryTargets"]


def test_a_change_of_the_name_sends_the_name_alone():
    assert CONFIG.update_body({"name": "N"}, live({"Http": {"Endpoint": "e"}}), frozenset({"name"})) == {"Name": "N"}


def test_a_change_inside_a_target_sends_every_target_with_its_secrets():
    wanted = {
        "http": {"endpoint": "new", "secret": SECRET},
        "azureBlob": {"connectionString": SECRET, "overrideContainerName": "c"},
    }
    sent = body({"Http": {"Endpoint": "old"}, "AzureBlob": {"OverrideContainerName": "c"}}, wanted)
    assert sent["Http"]["Secret"] is SECRET
    assert sent["AzureBlob"] == {"ConnectionString": SECRET, "OverrideContainerName": "c"}


def test_a_target_that_goes_is_an_explicit_null():
    sent = body({"Http": {"Endpoint": "e"}, "Kafka": {"Topic": "t"}}, {"http": {"endpoint": "new", "secret": SECRET}})
    assert sent["Kafka"] is None


def test_a_target_that_neither_side_has_is_not_mentioned():
    sent = body({"Http": {"Endpoint": "e"}, "Kafka": None}, {"http": {"endpoint": "new", "secret": SECRET}})
    assert list(sent) == ["Http"]


def test_an_optional_member_that_goes_is_an_explicit_null_even_where_live_cannot_show_it():
    sent = body({"Http": {"Endpoint": "e", "CustomAuthHeaderName": "X"}}, {"http": {"endpoint": "n", "secret": SECRET}})
    assert sent["Http"]["CustomAuthHeaderName"] is None
    assert sent["Http"]["CustomAuthHeaderValue"] is None


def test_what_we_do_not_know_survives_without_nulls_and_masks():
    sent = body(
        {
            "Http": {"Endpoint": "e", "Retries": 3},
            "Fancy": {"Url": "u", "Token": None, "Key": "****", "Deep": {"A": 1}},
        },
        {"http": {"endpoint": "n", "secret": SECRET}},
    )
    assert sent["Http"]["Retries"] == 3
    assert sent["Fancy"] == {"Url": "u", "Deep": {"A": 1}}


def test_mailchimp_is_read_under_either_name_and_written_under_the_one_that_live_uses():
    for name in ("Mailchimp", "Mandrill"):
        observed = live({name: {}, "Http": {"Endpoint": "e"}})
        assert observed.state["deliveryTargets"]["mailchimp"] == {}
        sent = body({name: {}, "Http": {"Endpoint": "e"}}, {"mailchimp": {"apiKey": SECRET}}, ["deliveryTargets.http"])
        assert sent == {name: {"ApiKey": SECRET}, "Http": None}


def test_masks_and_nulls_of_write_only_members_are_not_kept():
    for value in (None, "********"):
        observed = live({"Http": {"Endpoint": "e", "Secret": value}})
        assert observed.state["deliveryTargets"] == {"http": {"endpoint": "e"}}


def test_an_entity_sync_reads_its_defaults_and_sends_no_entity_member():
    observed = ENTITY.observe("categories", {"DeliveryConfigID": "c"})
    assert observed.state == {
        "entity": "categories",
        "deliveryConfig": "c",
        "syncEntityChanged": True,
        "syncEntityDeleted": True,
        "pause": False,
    }
    assert ENTITY.create_body(observed.state) == {
        "DeliveryConfigID": "c",
        "SyncEntityChanged": True,
        "SyncEntityDeleted": True,
        "Paused": False,
    }


@pytest.mark.parametrize("targets", [5, True, "x", [], {"Http": 5}, {"Mandrill": [1]}])
def test_targets_that_are_no_objects_are_an_unexpected_answer(targets: Any) -> None:
    wire = {"ID": "c", "Name": "C", "DeliveryTargets": targets}

    class Reader:
        async def get(self, path: str, params: Any = None) -> Any:
            return {"Meta": {"TotalCount": 1, "TotalPages": 1}, "Items": [wire]} if params else wire

    for read in (CONFIG.read(Reader()), CONFIG.read_one(Reader(), "c")):
        with pytest.raises(UnexpectedAnswer, match="DeliveryTargets of a config are not objects"):
            asyncio.run(read)


class Answering:
    """An API that gives one answer to every read; None: 404."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def get(self, path: str, params: Any = None) -> Any:
        del params
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


SYNCS = pytest.mark.parametrize("kind", ["ProductSync", "OrderSync", "EntitySync"])


@SYNCS
@pytest.mark.parametrize("answer", [[], None, "", 7, {"Meta": None, "Items": None}, {"DeliveryConfigId": "c"}])
def test_what_is_no_sync_configuration_is_not_taken_for_one_that_is_absent(kind: str, answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="not a sync configuration"):
        asyncio.run(kinds()[kind].read(Answering(answer)))


@SYNCS
@pytest.mark.parametrize("answer", [NotFound("none"), {}, {"DeliveryConfigID": None, "ConfigData": None}])
def test_a_sync_that_is_not_configured_is_absent(kind: str, answer: Any) -> None:
    assert asyncio.run(kinds()[kind].read(Answering(answer))) == {}


@pytest.mark.parametrize("targets", [5, "x", True, [], [1], {"Http": 5}, {"Http": [1]}, {"Unknown": 5}])
@pytest.mark.parametrize("members", [{}, {"ID": "c", "Name": 5}])
def test_a_delivery_config_that_is_none_is_read_or_refused_and_never_a_bug(targets, members):
    for wire in (members, {**members, "DeliveryTargets": targets}):
        with suppress(UnexpectedAnswer):
            CONFIG.observe("c", wire)
