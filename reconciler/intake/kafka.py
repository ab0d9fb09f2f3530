"""Source of messages over Kafka's protocol: Apache Kafka, and Event Hubs through its Kafka endpoint.

librdkafka's consumer works in a thread of its own: its callbacks come within `consume`, so between two batches nothing
changes hands. Offsets are stored in it after the ledger has a batch; it commits what is stored every second, before
partitions are given up, and at the end. Nothing is stored of a partition that is not ours any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from msgspec import Struct

from reconciler.intake.consumer import Away, Batch, Look, words
from reconciler.intake.kafka_record import message_of_record
from reconciler.ordercloud.deliveries.message import Malformed, Message, Missed
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition
    from confluent_kafka import Message as Record

BATCH = 500
GOODBYE = 5.0
"""Seconds for a broker to hear that we leave. What it does not hear comes again."""
_TICK, _BREATH = 1.0, 0.1
_QUEUE_KB = 16 * 1024
_FETCH_BYTES = 8 * 1024 * 1024
_LEAST_FETCH = 1024 * 1024
# documented by Microsoft for Event Hubs, which cuts what is idle for four minutes; other brokers do not mind.
_IDLE_MS = 180_000
_LOOK_SECONDS = 10.0
_T = TypeVar("_T")
Partition = tuple[str, int]
_silent = logging.getLogger(f"{__name__}.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class KafkaSettings(RedactedStruct, frozen=True):
    """Which records are fetched, and how to log in.

    Args:
        servers: brokers as `host:port,…`.
        topics: to read.
        group: consumer group; members of one share the partitions.
        tls: whether TLS is spoken.
        mechanism: of SASL, where there is a user.
        username: of SASL; None: nobody logs in.
        password: of that user.
        start: where a group begins that has read nothing yet.
        max_message: bytes of a record's value; more is set aside.
        ca_file: PEM file of authorities; None: those of the machine.
        session: seconds after which the group gives the partitions of a member that is silent to others.
        hidden: what must not be shown beside the password, e.g. a host that is a part of a secret.
    """

    redacted: ClassVar[tuple[str, ...]] = ("hidden",)

    servers: str
    topics: tuple[str, ...]
    group: str
    tls: bool = True
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: Secret | None = None
    start: Literal["earliest", "latest"] = "earliest"
    max_message: int = 1_000_000
    ca_file: str | None = None
    session: float = 45.0
    hidden: tuple[str, ...] = ()

    def config(self) -> dict[str, Any]:
        """Return librdkafka's configuration, with the password in it.

        Raises:
            SecretUnset: the password is not set.
        """
        protocol = ("SASL_" if self.username is not None else "") + ("SSL" if self.tls else "PLAINTEXT")
        found: dict[str, Any] = {
            "bootstrap.servers": self.servers,
            "security.protocol": protocol,
            "group.id": self.group,
            "client.id": "reconciler",
            "session.timeout.ms": int(self.session * 1000),
            "heartbeat.interval.ms": min(3000, int(self.session * 300)),
            "auto.offset.reset": "error",  # where to begin is decided here: what is gone is told
            "enable.auto.commit": True,
            "auto.commit.interval.ms": 1000,
            "enable.auto.offset.store": False,
            "allow.auto.create.topics": False,
            "topic.metadata.refresh.interval.ms": 30_000,
            "metadata.max.age.ms": _IDLE_MS,
            "connections.max.idle.ms": _IDLE_MS,
            "socket.keepalive.enable": True,
            "queued.min.messages": 2 * BATCH,
            "fetch.queue.backoff.ms": 50,
            "queued.max.messages.kbytes": _QUEUE_KB,
            "fetch.max.bytes": max(_FETCH_BYTES, self.max_message),
            "max.partition.fetch.bytes": max(_LEAST_FETCH, self.max_message),
        }
        if self.username is not None and self.password is not None:
            found |= {"sasl.mechanism": self.mechanism, "sasl.username": self.username}
            found["sasl.password"] = self.password.reveal()
        if self.ca_file is not None:
            found["ssl.ca.location"] = self.ca_file
        return found


class _Marks(Struct, frozen=True):
    """Where a batch lies: per partition its first offset, and the one after its last; or of which it tells a gap."""

    first: dict[Partition, int] = {}
    after: dict[Partition, int] = {}
    told: tuple[Partition, ...] = ()


class _Gap(Struct, frozen=True):
    """What a partition of ours no longer has: up to which offset it was read, and the first that is there."""

    read: int
    first: int


class KafkaSource:
    """Source over Kafka's protocol; opened when it is first fetched from.

    Args:
        settings: which records, and how to log in.
        statistics: seconds between looks at how brokers and partitions are.
    """

    def __init__(self, settings: KafkaSettings, statistics: float = 2.0) -> None:
        self._settings = settings
        self._statistics = statistics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._consumer: Consumer | None = None
        self._secret = ""
        # What follows is written in the thread, by callbacks, and read anywhere.
        self._ours: set[Partition] = set()
        self._gaps: dict[Partition, _Gap] = {}
        self._trouble: str | None = None
        self._topic_trouble: str | None = None
        self._connected = False
        self._lag: int | None = None

    async def fetch(self) -> Batch | None:
        """Return what the partitions have that are ours.

        Raises:
            Away: no consumer can be made of the settings, or it failed for good.
        """
        return await self._in_thread(self._fetch)

    async def settle(self, batch: Batch) -> None:
        """Store the offsets of a batch, as far as its partitions are still ours."""
        await self._in_thread(lambda: self._settle(batch.token))

    async def again(self, batch: Batch) -> None:
        """Go back to the start of a batch."""
        await self._in_thread(lambda: self._again(batch.token))

    async def close(self) -> None:
        """Commit what is stored, and leave the group; of a broker that is silent only for a while."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        await self._in_thread(lambda: self._drop(lambda: loop.call_soon_threadsafe(ended.set)))
        self._thread.shutdown(wait=False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), GOODBYE)

    def look(self) -> Look:
        """Return whether a broker answers, what keeps it from fetching, and the lag."""
        if not self._connected:
            return Look(False, f"the broker: {self._trouble or 'no answer yet'}", self._lag)
        if not self._ours:
            none = "partitions: the group is being joined, or its other members have all of them"
            return Look(True, self._topic_trouble or none, self._lag)
        return Look(True, None, self._lag)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # In the thread

    def _opened(self) -> Consumer:
        if self._consumer is None:
            from confluent_kafka import Consumer, KafkaException

            config = {**self._settings.config(), "statistics.interval.ms": int(self._statistics * 1000)}
            self._secret = config.get("sasl.password", "")
            try:
                consumer = Consumer({**config, "error_cb": self._complain, "stats_cb": self._measure}, logger=_silent)
                consumer.subscribe(
                    list(self._settings.topics),
                    on_assign=self._assigned,
                    on_revoke=self._given_up,
                    on_lost=self._given_up,
                )
            except KafkaException as error:
                raise Away(f"the broker's settings: {self._words(error)}") from None
            self._consumer = consumer
        return self._consumer

    def _fetch(self) -> Batch | None:
        from confluent_kafka import KafkaException

        try:
            consumer = self._opened()
            if self._gaps:
                return self._told_of_gaps()
            # `consume` alone would wait for a whole batch, as long as it may.
            first = consumer.poll(_TICK)
            records = [] if first is None else [first, *consumer.consume(BATCH - 1, 0)]
        except KafkaException as error:
            self._drop()
            raise Away(f"the broker: {self._words(error)}") from None
        marks = _Marks()
        messages: list[Message | Malformed | Missed] = []
        for record in records:
            trouble = record.error()
            if trouble is not None:
                self._note(trouble)
                continue
            found = self._added(record, marks)
            if found is not None:
                messages.append(found)
        if messages:
            self._connected = True
            self._topic_trouble = None
            return Batch(messages, marks)
        if records:
            time.sleep(_BREATH)  # errors that come at once must not make a busy loop
        return None

    def _added(self, record: Record, marks: _Marks) -> Message | Malformed | None:
        topic, partition, offset = record.topic(), record.partition(), record.offset()
        if topic is None or partition is None or offset is None or (topic, partition) not in self._ours:
            return None  # whoever has the partition now fetches it
        marks.first.setdefault((topic, partition), offset)
        marks.after[topic, partition] = offset + 1
        return message_of_record(record, self._settings.max_message)

    def _note(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        # A new consumer finds out what is gone of a partition, and begins after that.
        if error.fatal() or error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 (a constant)
            self._drop()
            raise Away(f"the broker: {self._words(error)}")
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 (a constant)
            self._topic_trouble = f"the broker: {self._words(error)}"

    def _told_of_gaps(self) -> Batch:
        return Batch([_missed(*gap) for gap in self._gaps.items()], _Marks(told=tuple(self._gaps)))

    def _settle(self, marks: _Marks) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        for told in marks.told:
            self._gaps.pop(told, None)
        for (topic, partition), offset in marks.after.items():
            if self._consumer is None or (topic, partition) not in self._ours:
                continue
            try:
                self._consumer.store_offsets(offsets=[TopicPartition(topic, partition, offset)])
            except KafkaException:
                # Lost while the ledger wrote: whoever has it now takes the batch again.
                self._ours.discard((topic, partition))

    def _again(self, marks: _Marks) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        try:
            for (topic, partition), offset in marks.first.items():
                if self._consumer is not None and (topic, partition) in self._ours:
                    self._consumer.seek(TopicPartition(topic, partition, offset))
        except KafkaException:
            # A new consumer begins at what was committed.
            self._drop()

    def _drop(self, closed: Callable[[], object] = lambda: None) -> None:
        """Let go of the consumer; the next fetch makes another.

        librdkafka says goodbye without a limit of time: it does so in a thread that nothing waits for, not even the end
        of the program.

        Args:
            closed: called once it has, in that thread.
        """
        consumer, self._consumer = self._consumer, None
        self._ours.clear()
        self._gaps.clear()
        self._connected = False

        def close() -> None:
            if consumer is not None:
                consumer.close()
            # The loop may be gone by then.
            with contextlib.suppress(RuntimeError):
                closed()

        Thread(target=close, name="kafka-goodbye", daemon=True).start()

    # Callbacks, in the thread

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        from confluent_kafka import KafkaException

        # Where this fails, the partitions begin at what was committed, or are looked at once more.
        with contextlib.suppress(KafkaException):
            consumer.assign([self._begun(consumer, each) for each in consumer.committed([*partitions], _LOOK_SECONDS)])
        self._ours |= {(each.topic, each.partition) for each in partitions}
        self._connected = True
        self._topic_trouble = None

    def _begun(self, consumer: Consumer, committed: TopicPartition) -> TopicPartition:
        """Return where a partition begins; what it has no more, and the group has not read, is kept for `fetch`."""
        from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition

        topic, number, read = committed.topic, committed.partition, committed.offset
        if read < 0:
            return TopicPartition(topic, number, OFFSET_BEGINNING if self._settings.start == "earliest" else OFFSET_END)
        first, end = consumer.get_watermark_offsets(committed, _LOOK_SECONDS)
        if first <= read <= end:
            return committed
        self._gaps[topic, number] = _Gap(read, first)
        return TopicPartition(topic, number, first)

    def _given_up(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        for each in partitions:
            self._ours.discard((each.topic, each.partition))
            self._gaps.pop((each.topic, each.partition), None)

    def _complain(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        # That all are down says less than why one is.
        if self._trouble is None or error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 (a constant)
            self._trouble = self._words(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 (a constant)
            self._connected = False

    def _measure(self, text: str) -> None:
        """Read librdkafka's statistics: which brokers are up, and how far behind each partition of ours is."""
        found = json.loads(text)
        self._connected = any(each.get("state") == "UP" for each in found.get("brokers", {}).values())
        if self._connected:
            self._trouble = None
        lags = [
            each["consumer_lag"]
            for name, topic in found.get("topics", {}).items()
            for each in topic.get("partitions", {}).values()
            if (name, each.get("partition")) in self._ours
        ]
        self._lag = sum(lag for lag in lags if lag >= 0) if lags and any(lag >= 0 for lag in lags) else None

    def _words(self, error: Any) -> str:
        inner = error.args[0] if isinstance(error, Exception) and error.args else error
        return words(inner.str() if hasattr(inner, "str") else str(inner), self._secret, *self._settings.hidden)


def _missed(partition: Partition, gap: _Gap) -> Missed:
    topic, number = partition
    if gap.first < gap.read:
        return Missed(0, f"partition {number} of {topic} was made anew: what was not fetched of it before may be gone")
    gone = gap.first - gap.read
    what = f"{gone:,} messages of partition {number} of {topic} were gone before they were fetched"
    return Missed(gone, f"{what}: the broker did not keep them for so long")
