"""A consumer of Kafka's protocol loses nothing, whatever happens between a fetch and the commit of its offset."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.intake.consumer import Consumer, ConsumerStatus
from reconciler.intake.kafka import KafkaSettings, KafkaSource
from reconciler.intake.kafka_record import message_of_record, type_of
from reconciler.ordercloud.deliveries.message import Malformed, Missed
from reconciler.secret import Secret
from support.intake import SECONDS, Kept, happens, in_loop, records, running, until, value
from support.kafka_cluster import Cluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


def consumer(cluster: Cluster, topic: str, inbox: Kept, **more: Any) -> Consumer:
    return Consumer(ConsumerStatus("kafka", "shop"), source(cluster, topic, **more), inbox)


def source(cluster: Cluster, topic: str, **more: Any) -> KafkaSource:
    # The mock cluster ends a rebalance a second before this.
    return KafkaSource(KafkaSettings(cluster.servers, (topic,), topic, tls=False, session=1.5, **more), statistics=0.2)


@in_loop
async def test_messages_of_one_key_keep_their_order(cluster: Cluster) -> None:
    topic = cluster.topic()
    inbox = Kept()
    names = [f"{number:03}" for number in range(300)]
    cluster.produce(topic, [("same", value(name)) for name in names])
    one = consumer(cluster, topic, inbox)
    async with running(one):
        await inbox.until(300)
        await happens(lambda: one.status.lag == 0, "the lag")
    assert inbox.ids == names


@in_loop
async def test_what_the_ledger_did_not_take_comes_again(cluster: Cluster) -> None:
    topic = cluster.topic()
    inbox = Kept()
    inbox.broken = True
    cluster.produce(topic, records("abc"))
    one = consumer(cluster, topic, inbox)
    async with running(one):
        await until(one, "the ledger: the disk is full")
        inbox.broken = False
        await inbox.until(3)
        await until(one, None)
    assert inbox.refused >= 1
    other = Kept()
    cluster.produce(topic, records("d"))
    async with running(consumer(cluster, topic, other)):
        await other.until(1)
    assert other.ids == ["d"], "what was settled does not come again"


@in_loop
async def test_what_was_taken_and_not_settled_comes_again(cluster: Cluster) -> None:
    """As after kill -9 between the ledger's commit and the broker's."""
    topic = cluster.topic()
    cluster.produce(topic, records("abc"))
    inbox = Kept()
    first = source(cluster, topic)
    async with asyncio.timeout(SECONDS):
        while len(inbox.ids) < 3:
            batch = await first.fetch()
            if batch is not None:
                await inbox.take(*batch.messages)
    await first.close()
    again = Kept()
    async with running(consumer(cluster, topic, again)):
        await again.until(3)
    assert sorted(again.ids) == ["a", "b", "c"]


@in_loop
async def test_a_broker_that_goes_is_waited_for_and_named(cluster: Cluster) -> None:
    topic = cluster.topic()
    inbox = Kept()
    one = consumer(cluster, topic, inbox)
    said: list[str | None] = []
    one.heard = lambda status: said.append(status.waiting_for)
    async with running(one):
        cluster.produce(topic, records("ab"))
        await inbox.until(2)
        await until(one, None)
        cluster.down()
        try:
            await until(one, "the broker: ")
            assert not one.status.connected
        finally:
            cluster.up()
        cluster.produce(topic, records("cd"))
        await inbox.until(4)
        await until(one, None)
        assert one.status.connected
    assert any("refused" in (each or "") or "closed" in (each or "") for each in said), said


@in_loop
async def test_a_broker_that_is_not_there_at_the_start_is_waited_for(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.produce(topic, records("ab"))
    inbox = Kept()
    one = consumer(cluster, topic, inbox)
    cluster.down()
    try:
        stop = asyncio.Event()
        task = asyncio.create_task(one.run(stop))
        await until(one, "Connection refused")
    finally:
        cluster.up()
    await inbox.until(2)
    stop.set()
    await task
    assert one.status.waiting_for == "it is stopped"


@in_loop
async def test_partitions_that_change_hands_lose_nothing(cluster: Cluster) -> None:
    topic = cluster.topic()
    inbox = Kept()
    inbox.slow = 0.01
    first, second = (consumer(cluster, topic, inbox) for _ in range(2))
    names = [f"{number}" for number in range(400)]
    async with running(first):
        cluster.produce(topic, records(names[:200]))
        async with running(second):
            cluster.produce(topic, records(names[200:300]))
            await inbox.until(300)
        cluster.produce(topic, records(names[300:]))
        await inbox.until(400)
    assert set(inbox.ids) == set(names)
    assert min(first.status.taken, second.status.taken) > 0, "each had partitions"


@in_loop
async def test_what_the_broker_threw_away_before_it_was_fetched_is_told_and_the_rest_is_read(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.produce(topic, [("key", value("first"))])
    inbox = Kept()
    async with running(consumer(cluster, topic, inbox)):
        await inbox.until(1)
    # The mock cluster keeps five megabytes of a partition.
    long = "x" * 100_000
    for number in range(80):
        cluster.produce(topic, [("key", value(f"{number}", text=long))])
    inbox, lost = Kept(), list[str]()
    one = consumer(cluster, topic, inbox)
    one.lost = lambda _status, reason: lost.append(reason)
    inbox.broken = True
    async with running(one):
        await until(one, "the ledger: the disk is full")
        inbox.broken = False
        await happens(lambda: "79" in inbox.ids, "the last one")
    missed = inbox.messages[0]
    assert isinstance(missed, Missed)
    assert 0 < missed.number < 80
    assert f"{missed.number} messages of partition 0 of {topic} were gone before they were fetched" in missed.reason
    assert lost == [missed.reason]
    assert inbox.ids == [f"{number}" for number in range(missed.number, 80)]
    assert (one.status.missed, one.status.taken) == (missed.number, 80 - missed.number)
    # It is told once.
    async with running(consumer(cluster, topic, inbox := Kept())):
        cluster.produce(topic, [("key", value("after"))])
        await inbox.until(1)
    assert inbox.ids == ["after"]


@in_loop
async def test_a_group_that_has_read_nothing_begins_where_it_is_told_and_misses_nothing(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.produce(topic, records("ab"))
    inbox = Kept()
    late = KafkaSource(
        KafkaSettings(cluster.servers, (topic,), f"{topic}-late", tls=False, session=1.5, start="latest")
    )
    one = Consumer(ConsumerStatus("kafka", "shop"), late, inbox)
    async with running(one):
        await until(one, None)
        # Where the end is, the broker is asked in the background.
        for number in range(200):
            cluster.produce(topic, [("key", value(f"new {number}"))])
            if inbox.ids:
                break
            await asyncio.sleep(0.1)
    assert inbox.ids
    assert not {"a", "b"} & {*inbox.ids}
    assert one.status.missed == 0


@in_loop
async def test_a_broker_that_is_silent_holds_no_end_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.intake.kafka.GOODBYE", 0.2)
    topic = cluster.topic()
    inbox = Kept()
    cluster.produce(topic, records("a"))
    async with running(consumer(cluster, topic, inbox)):
        await inbox.until(1)
        cluster.answer_after(60)
    # Until here nothing waited for it.
    cluster.answer_after(0)


@in_loop
async def test_a_topic_that_is_missing_is_named(cluster: Cluster) -> None:
    one = consumer(cluster, "no-such-topic", Kept())
    async with running(one):
        await until(one, "no-such-topic")
        assert one.status.connected


@in_loop
async def test_what_is_no_message_is_set_aside_and_holds_nobody_up(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    inbox = Kept()
    bad: list[bytes | None] = [
        None,
        b"",
        b"{",
        b"[]",
        b'{"ID": "a"}',
        b"\xff",
        b'"' + b"x" * 2000 + b'"',
        b'{"a":"\\ud800"}',
    ]
    cluster.produce(topic, [(None, each) for each in bad])
    cluster.produce(topic, [(None, b"{}")], headers=[("type", b"\xff\xfe")])
    cluster.produce(topic, records("z"))
    one = consumer(cluster, topic, inbox, max_message=1000)
    async with running(one):
        await inbox.until(1)
        await until(one, None)
    assert one.status.malformed == len(bad) + 1
    assert one.status.taken == len(bad) + 2
    assert f"{topic}[0]@8" in str(one.status.set_aside)
    reasons = [each.reason for each in inbox.messages if isinstance(each, Malformed)]
    assert "it has 2002 bytes, and more than 1000 are not read" in reasons[6]
    assert not [reason for reason in reasons if "xxx" in reason]


@in_loop
async def test_a_broker_that_cannot_be_logged_in_to_names_no_password(cluster: Cluster) -> None:
    secret = Secret("(literal)", lambda: "hush-hush")
    one = consumer(cluster, cluster.topic(), Kept(), username="u", password=secret)
    async with running(one):
        await until(one, "SASL")
    assert "hush-hush" not in str(one.status)
    assert "hush-hush" not in repr(one.source._settings)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (None, None),
        ([], None),
        ([("other", b"x")], None),
        ([("type", b"")], None),
        ([("type", None)], None),
        ([("ce_type", b"b"), ("type", b"a")], "a"),
        ([("CE_Type", b"b")], "b"),
        ([("type", b"\xa1\x03abc")], "abc"),
        ([("type", b"\xa3\x03abc")], "abc"),
        ([("type", b"\xb1\x00\x00\x00\x03abc")], "abc"),
        ([("type", b"\xb3\x00\x00\x00\x03abc")], "abc"),
    ],
)
def test_the_type_is_read_from_headers(headers: Any, found: str | None) -> None:
    assert type_of(headers) == found


@pytest.mark.parametrize("cut", [b"\xa1", b"\xa1\x09abc", b"\xb1\x00", b"\xff"])
def test_a_header_that_is_no_text_is_no_type(cut: bytes) -> None:
    with pytest.raises(ValueError, match="utf-8"):
        type_of([("type", cut)])


def test_a_record_whose_headers_cannot_be_read_is_set_aside() -> None:
    class Record:
        topic = staticmethod(lambda: "t")
        partition = offset = staticmethod(lambda: 0)
        value = staticmethod(lambda: b"{}")

        def headers(self) -> Any:
            return b"\xff".decode()

    assert message_of_record(Record(), 10) == Malformed("t[0]@0: a header is no UTF-8")  # type: ignore[arg-type]
