"""A real cluster to Kafka's protocol: librdkafka's mock cluster, in this process, whose brokers go down when asked."""

from __future__ import annotations

import contextlib
import ctypes
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import confluent_kafka
from confluent_kafka import Consumer, Message, Producer, TopicPartition

PARTITIONS = 4


def _library() -> ctypes.CDLL:
    """Return librdkafka as the wheel brings it."""
    folder = Path(confluent_kafka.__file__).parent
    places = (folder.parent / "confluent_kafka.libs", folder / ".dylibs")
    path = next(found for place in places for found in place.glob("librdkafka*"))
    library = ctypes.CDLL(str(path))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, ()),
        ("rd_kafka_new", pointer, (number, pointer, text, ctypes.c_size_t)),
        ("rd_kafka_destroy", None, (pointer,)),
        ("rd_kafka_mock_cluster_new", pointer, (pointer, number)),
        ("rd_kafka_mock_cluster_destroy", None, (pointer,)),
        ("rd_kafka_mock_cluster_bootstraps", text, (pointer,)),
        ("rd_kafka_mock_topic_create", number, (pointer, text, number, number)),
        ("rd_kafka_mock_broker_set_down", number, (pointer, ctypes.c_int32)),
        ("rd_kafka_mock_broker_set_up", number, (pointer, ctypes.c_int32)),
        ("rd_kafka_mock_broker_set_rtt", number, (pointer, ctypes.c_int32, number)),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (pointer, ctypes.c_int32)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Cluster:
    """A cluster of one broker. Groups begin without waiting for more members."""

    def __init__(self) -> None:
        self._library = _library()
        error = ctypes.create_string_buffer(500)
        self._handle = self._library.rd_kafka_new(0, self._library.rd_kafka_conf_new(), error, 500)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)
        self.servers: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, partitions: int = PARTITIONS) -> str:
        """Make a topic and return its name."""
        name = f"t-{uuid.uuid4().hex[:8]}"
        assert self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0
        return name

    def down(self) -> None:
        """Take the broker down: connections end, new ones are refused; what it holds stays."""
        assert self._library.rd_kafka_mock_broker_set_down(self._cluster, 1) == 0

    def up(self) -> None:
        """Bring the broker back."""
        assert self._library.rd_kafka_mock_broker_set_up(self._cluster, 1) == 0

    def answer_after(self, seconds: float) -> None:
        """Let the broker answer that late."""
        assert self._library.rd_kafka_mock_broker_set_rtt(self._cluster, 1, int(seconds * 1000)) == 0

    def produce(self, topic: str, records: Sequence[tuple[str | None, bytes | None]], **more: object) -> None:
        """Produce records, as keys and values."""
        producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 0})
        for key, value in records:
            producer.produce(topic, value, key=key, **more)  # type: ignore[arg-type]
        assert producer.flush(20) == 0

    def records(self, topic: str, count: int, seconds: float = 20) -> list[Message]:
        """Return the first `count` records of a topic, read by a group of their own."""
        consumer = Consumer(
            {"bootstrap.servers": self.servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        )
        consumer.subscribe([topic])
        found: list[Message] = []
        try:
            while len(found) < count:
                got = consumer.poll(seconds)
                assert got is not None, f"{len(found)} of {count} records"
                assert got.error() is None, got.error()
                found.append(got)
        finally:
            consumer.close()
        return found

    def unread(self, topic: str, group: str) -> int:
        """Return how many records of a topic a group has not said that it has read; a broker must be up."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": group})
        try:
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            read = [max(each.offset, 0) for each in consumer.committed(partitions, timeout=20)]
            written = [consumer.get_watermark_offsets(each, timeout=20)[1] for each in partitions]
        finally:
            consumer.close()
        return sum(written) - sum(read)

    def close(self) -> None:
        """End it."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster until the block ends."""
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.close()
