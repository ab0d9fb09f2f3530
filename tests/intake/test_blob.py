"""Blobs are taken once, whatever they look like, and stay or go as the manifest says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.intake.blob import BlobSettings, BlobSource
from reconciler.intake.consumer import Consumer, ConsumerStatus
from reconciler.ledger.data.fetched import FetchedStore
from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import PREFIX, Malformed
from reconciler.secret import Secret
from support.azurite import Storage, needs_azurite, running_azurite
from support.intake import Kept, happens, in_loop, running, until, value

pytestmark = needs_azurite
TYPE = f"{PREFIX}product.updated"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as found:
        yield found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def source(storage: Storage, ledger: Ledger, container: str, **more: Any) -> BlobSource:
    clock = more.pop("clock", None)
    settings = BlobSettings(Secret("(literal)", lambda: storage.connection_string), container, interval=0.05, **more)
    store = FetchedStore(ledger.database, "test", container)
    return BlobSource(settings, store, clock) if clock else BlobSource(settings, store)


def consumer(source: BlobSource, inbox: Kept) -> Consumer:
    return Consumer(ConsumerStatus("blob", "shop"), source, inbox)


@in_loop
async def test_a_blob_is_taken_once_and_stays(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    inbox = Kept()
    for part in ("ab", "c"):
        for key in part:
            container.upload_blob(f"2026/{key}.json", value(key))
        async with running(consumer(source(storage, ledger, container.container_name), inbox)):
            await inbox.until(2 if part == "ab" else 3)
    assert sorted(inbox.ids) == ["a", "b", "c"]
    assert len(list(container.list_blobs())) == 3


@in_loop
async def test_a_blob_that_is_to_be_deleted_goes_once_the_ledger_has_it(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    inbox = Kept()
    inbox.broken = True
    for key in "ab":
        container.upload_blob(key, value(key))
    container.upload_blob("bad", b"{")
    one = consumer(source(storage, ledger, container.container_name, afterwards="delete"), inbox)
    async with running(one):
        await until(one, "the ledger: the disk is full")
        assert len(list(container.list_blobs())) == 3
        inbox.broken = False
        await inbox.until(2)
        await happens(lambda: [blob.name for blob in container.list_blobs()] == ["bad"], "the blobs to go")
        await until(one, None)
    assert one.status.malformed == 1, "what is no message stays for people, and is taken once"
    assert one.status.set_aside == "blob bad: it is no JSON"


@in_loop
async def test_a_blob_that_is_written_anew_comes_again(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    inbox = Kept()
    container.upload_blob("x", value("a"))
    async with running(consumer(source(storage, ledger, container.container_name), inbox)):
        await inbox.until(1)
        container.upload_blob("x", value("b"), overwrite=True)
        await inbox.until(2)


@in_loop
async def test_a_blob_that_is_appended_to_is_read_on(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    blob = container.get_blob_client("hour.jsonl")
    blob.create_append_blob()
    inbox = Kept()
    later = datetime.now(UTC) + timedelta(days=2)
    time = [datetime.now(UTC)]
    one = consumer(source(storage, ledger, container.container_name, afterwards="delete", clock=lambda: time[0]), inbox)
    async with running(one):
        for count, key in enumerate("abc", 1):
            line = value(key) + b"\n"
            blob.append_block(line[:10])
            blob.append_block(line[10:])
            await inbox.until(count)
        assert blob.exists(), "somebody may still append to it"
        time[0] = later
        await happens(lambda: not blob.exists(), "it to go")
    assert inbox.ids == ["a", "b", "c"]


@in_loop
async def test_every_layout_is_read_and_what_is_none_is_set_aside(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    bare = json.dumps({"ID": "metadata"}).encode()
    many = b"\n".join(value(f"line{number}") for number in range(3))
    array = b"[" + b",".join(value(f"item{number}") for number in range(3)) + b"]"
    pretty = json.dumps(json.loads(value("pretty")), indent=2).encode()
    long_lines = b"\n".join(value(f"long{number:03}") for number in range(100))
    container.upload_blob("metadata", bare, metadata={"type": TYPE})
    for name, content in {
        "lines": many,
        "array": array,
        "pretty": pretty,
        "long": long_lines,
        "bom": b"\xef\xbb\xbf" + value("bom"),
    }.items():
        container.upload_blob(name, content)
    for name, content in {
        "bad-empty": b"",
        "bad-huge": b"x" * 5000,
        "bad-pretty": b'{"a":\n' + b"1,\n" * 2000,
        "bad-number": b"1",
        "bad-array": b"[1, [2], null]",
        "bad-deep": b"[" * 400 + b"]" * 400,
        "bad-bytes": b"\xff\x00",
        "bad\u2028name\u202e": b"{}",
    }.items():
        container.upload_blob(name, content)
    inbox = Kept()
    one = consumer(source(storage, ledger, container.container_name, max_message=1000), inbox)
    async with running(one):
        await inbox.until(3 + 3 + 3 + 100)
        await happens(lambda: one.status.malformed >= 10, "all to be taken")
        await happens(lambda: one.status.waiting_for is None)
    assert len(inbox.ids) == len(set(inbox.ids)) == 109
    reasons = [each.reason for each in inbox.messages if isinstance(each, Malformed)]
    assert len(reasons) == 10, reasons
    assert "blob bad-huge: it has more than 1000 bytes without a message" in reasons
    assert all(reason.isprintable() for reason in reasons)
    again = Kept()
    async with running(consumer(source(storage, ledger, container.container_name, max_message=1000), again)):
        container.upload_blob("zzz", value("new"))
        await again.until(1)
    assert again.ids == ["new"]
    assert len(again.messages) == 1


@in_loop
async def test_only_names_with_the_prefix_are_read(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    for name in ("other/a", "oc/b"):
        container.upload_blob(name, value(name))
    inbox = Kept()
    async with running(consumer(source(storage, ledger, container.container_name, prefix="oc/"), inbox)):
        await inbox.until(1)
    assert inbox.ids == ["oc/b"]


@in_loop
async def test_pages_of_a_large_container_are_all_read(
    storage: Storage, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.intake.blob.PAGE", 7)
    monkeypatch.setattr("reconciler.intake.blob.MOST_BLOBS", 4)
    container = storage.container()
    names = [f"{number:02}" for number in range(30)]
    for name in names:
        container.upload_blob(name, value(name))
    inbox = Kept()
    async with running(consumer(source(storage, ledger, container.container_name), inbox)):
        await inbox.until(30)
    assert inbox.ids == names


@in_loop
async def test_two_that_delete_from_one_container_lose_nothing(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    names = [f"{number:02}" for number in range(40)]
    for name in names:
        container.upload_blob(name, value(name))
    inbox = Kept()
    two = [consumer(source(storage, ledger, container.container_name, afterwards="delete"), inbox) for _ in range(2)]
    async with running(*two):
        await happens(lambda: not list(container.list_blobs()), "all to be deleted")
    assert set(inbox.ids) == set(names)
    assert [one.status.malformed for one in two] == [0, 0]


@in_loop
async def test_what_is_gone_is_forgotten(storage: Storage, ledger: Ledger) -> None:
    container = storage.container()
    inbox = Kept()
    store = FetchedStore(ledger.database, "test", container.container_name)
    for key in "ab":
        container.upload_blob(key, value(key))
    async with running(consumer(source(storage, ledger, container.container_name), inbox)):
        await inbox.until(2)
        await happens(lambda: store.count() == 2, "both to be known")
    container.delete_blob("a")
    async with running(consumer(source(storage, ledger, container.container_name), inbox)):
        await happens(lambda: store.count() == 1, "the one that is gone to be forgotten")
    assert inbox.ids == ["a", "b"]


@in_loop
async def test_a_container_that_is_missing_is_waited_for_and_no_key_is_named(storage: Storage, ledger: Ledger) -> None:
    container = storage.container(made=False)
    inbox = Kept()
    one = consumer(source(storage, ledger, container.container_name), inbox)
    async with running(one):
        await until(one, "the storage: The specified container does not exist.")
        container.create_container()
        container.upload_blob("a", value("a"))
        await inbox.until(1)
        await until(one, None)
        assert one.status.connected


@in_loop
async def test_a_storage_that_cannot_be_reached_is_waited_for_and_no_key_is_named(ledger: Ledger) -> None:
    text = "AccountName=a;AccountKey=aHVzaC1odXNo;BlobEndpoint=http://127.0.0.1:1/a"
    settings = BlobSettings(Secret("(literal)", lambda: text), "c", hidden=("127.0.0.1",))
    one = consumer(BlobSource(settings, FetchedStore(ledger.database, "test", "c")), Kept())
    async with running(one):
        await until(one, "refused")
    assert "aHVzaC1odXNo" not in f"{one.status}{settings}"
    assert "127.0.0.1" not in str(one.status), "the host is a part of a secret"
    bad = BlobSettings(Secret("(literal)", lambda: "AccountKey=hush"), "c")
    other = consumer(BlobSource(bad, FetchedStore(ledger.database, "test", "c")), Kept())
    async with running(other):
        await until(other, "the connection string cannot be used")
