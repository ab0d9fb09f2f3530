"""A Kafka broker that checks a login over SASL/PLAIN and knows some topics, as far as a probe asks."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field

MARKER = "marker-that-nobody-may-see"


@dataclass
class Broker:
    """A broker with one user and one topic, in the versions of the protocol that a probe speaks."""

    user: str = "oc"
    password: str = MARKER
    topics: dict[str, int] = field(default_factory=lambda: {"products": 0})
    offers: bytes = b"PLAIN"
    asked: list[int] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = await reader.readexactly(size)
                key, version, correlation, client = struct.unpack(">hhih", request[:10])
                self.asked.append(key)
                body = self._answer(key, version, request[10 + client :])
                writer.write(struct.pack(">ii", len(body) + 4, correlation) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, key: int, version: int, body: bytes) -> bytes:
        if (key, version) == (17, 1):
            wrong = body[2:] != self.offers
            return struct.pack(">hih", 33 if wrong else 0, 1, len(self.offers)) + self.offers
        if (key, version) == (36, 0):
            good = body[4:] == f"\0{self.user}\0{self.password}".encode()
            return struct.pack(">hhi", 0 if good else 58, -1, 0)
        assert (key, version) == (3, 4)
        assert body[-1] == 0, "a topic must not be made by asking for it"
        name = body[6:-1].decode()
        broker = struct.pack(">ih4sih", 1, 4, b"evil", 9, -1)
        topic = struct.pack(">hh", self.topics.get(name, 3), len(name)) + name.encode() + b"\0" + struct.pack(">i", 0)
        return struct.pack(">ii", 0, 1) + broker + struct.pack(">hii", -1, 1, 1) + topic
